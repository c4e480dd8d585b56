"""The small recipe, for real: smallest model, real engine and sandbox, from no log to a policy that is judged."""

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

TASKS = 120


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Weights and image are those of all tests; log, bases and policies are new."""
    kept = Home.default()
    for name in ("models", "image"):
        (tmp_path / name).symlink_to(kept.root / name)
    return Home(tmp_path)


@pytest.mark.slow
def test_the_small_recipe_learns_to_decide_though_it_is_stopped_at_each_step(home: Home) -> None:
    told: list[str] = []
    cancel, stop = Cancel(), ""

    def tell(text: str) -> None:
        print(text)
        told.append(text)
        if stop and text.startswith(stop):
            cancel.cancel()

    loop = Loop(
        name="small",
        model="smollm2-135m",
        home=home,
        tasks=lambda: list(made_tasks(specs(["fields"], [2_000], range(TASKS)), 0.4)),
        tell=tell,
        settings=Settings(learning_rate=5e-4, evaluations=6),
        max_tokens=6_000,
    )
    for stop in ("3 of", "step 0:", "fields 2k"):  # noqa: B007  (`tell` reads it)
        cancel = Cancel()
        with pytest.raises(Cancelled):
            loop.run(cancel)
    cancel, stop = Cancel(), ""
    try:
        artifact = loop.run(cancel)
    except NotBetterError:
        artifact = Policies(home.policies).get("small")
    trained = read_trained(loop.folder / "sft")
    assert trained
    assert trained.best.accuracy >= max(0.75, trained.curve[0].accuracy + 0.1)
    assert artifact.manifest.provenance["divergence_from_peft"] < 1e-4
    assert artifact.report
    assert artifact.report.valid >= 0.95
    assert artifact.report.score.mean > 0
    assert artifact.report.tokens.high < 0
    assert sum(text.startswith(f"{TASKS} of {TASKS}") for text in told) == 1
