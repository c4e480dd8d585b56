"""The small recipe, with the smallest model and the real engine and sandbox: from an empty log to a judged policy."""

from collections.abc import Callable
from pathlib import Path

import pytest

for _name in ("torch", "transformers", "trl", "peft", "gguf"):
    pytest.importorskip(_name, reason="the extra `train` is not installed")

from rlm_local.bench.tasks import specs  # noqa: E402
from rlm_local.home import Home  # noqa: E402
from rlm_local.models import Cancel, Cancelled  # noqa: E402
from rlm_policy import NotBetterError, Policies  # noqa: E402
from rlm_training.loop import Loop  # noqa: E402
from rlm_training.settings import Settings  # noqa: E402
from rlm_training.tasks import made_tasks  # noqa: E402
from rlm_training.trained import read_trained  # noqa: E402

TASKS = [*specs(["fields"], [2_000], range(20)), *specs(["short"], [1_000], range(4))]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Weights and image are those of all tests; log, base and policies are new."""
    for name in ("models", "image"):
        (tmp_path / name).symlink_to(Home.default().root / name)
    return Home(tmp_path)


@pytest.mark.slow
def test_the_small_recipe_learns_to_decide_though_it_is_stopped_at_each_step(home: Home) -> None:
    told: list[str] = []

    def loop(stop: Callable[[str], bool]) -> Loop:
        def tell(text: str) -> None:
            print(text)
            told.append(text)
            if stop(text):
                cancel.cancel()

        tasks = lambda: list(made_tasks(TASKS, 0.4))  # noqa: E731
        settings = Settings(learning_rate=5e-4, evaluations=4)
        return Loop("small", "smollm2-135m", home, tasks, tell, settings, max_tokens=1_500)

    for sign in ("5 of 24", "step 2", "fields"):  # while it collects, trains, evaluates
        cancel = Cancel()
        with pytest.raises(Cancelled):
            loop(lambda text, sign=sign: text.startswith(sign)).run(cancel)
    cancel = Cancel()
    last = loop(lambda _text: False)
    try:
        artifact = last.run(cancel)
    except NotBetterError:
        artifact = Policies(home.policies).get("small")
    trained = read_trained(last.folder / "sft")
    assert trained
    assert trained.best.accuracy >= max(0.75, trained.curve[0].accuracy + 0.1)
    assert artifact.manifest.provenance["divergence_from_peft"] < 1e-4
    assert artifact.report
    assert artifact.report.valid >= 0.95
    assert artifact.report.tokens.high < 0
    assert sum(text.startswith("24 of 24") for text in told) == 1
