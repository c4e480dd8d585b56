from pathlib import Path

import pytest

from rlm_local.home import Home
from rlm_local.models import Message, Prompt, open_model, resolve
from rlm_local.models.errors import LoadError
from rlm_local.models.native import VARIABLE, library
from rlm_local.models.native.trial import attempt
from tests.models.native import builds
from tests.models.remote.little_server import LittleServer


def test_a_server_is_a_model_like_any_other(tmp_path: Path):
    told: list[str] = []
    with LittleServer(lambda _user, _text: [("", 1.0)]).serving() as url:
        model = open_model(resolve(f"{url}#little"), Home(tmp_path), progress=lambda what, _: told.append(what))
        assert model.name == "little"
        model.close()
    assert told == [f"connecting to {url}"]
    assert not list(tmp_path.iterdir())


def test_answers_of_leaf_calls_are_kept_in_the_state_directory_unless_they_may_not_be(
    smollm_path: Path, tmp_path: Path
):
    def evaluated(*, leaf_cache: bool) -> int:
        home = Home(tmp_path, leaf_cache=leaf_cache)
        model = open_model(resolve(str(smollm_path)), home, progress=lambda *_: None)
        [score] = model.choose([Prompt((Message("user", "Which?"),))], ["a", "b"])
        model.close()
        return score.usage.prompt_tokens

    assert evaluated(leaf_cache=False) > 0
    assert evaluated(leaf_cache=True) > 0
    assert evaluated(leaf_cache=True) == 0
    assert evaluated(leaf_cache=False) > 0


def test_what_does_not_fit_in_memory_is_refused_before_it_is_fetched(tmp_path: Path):
    home = Home(tmp_path)
    with pytest.raises(LoadError, match=r"1,073,741,824 tokens takes some .* of memory, and .* are free") as caught:
        open_model(resolve("smollm2-135m"), home, context=1 << 30, progress=lambda *_: None)
    assert "give a smaller --context, such as" in caught.value.remedy.lower()
    assert list(home.models.iterdir()) == []


@builds.x86_64
def test_a_model_answers_where_the_best_build_dies_and_one_line_says_what_was_done(
    smollm_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    best = attempt(library()).variant
    monkeypatch.setenv(VARIABLE, str(builds.that_dies(tmp_path / "llama", best).folder))
    said: list[str] = []
    home = Home(tmp_path / "home")
    model = open_model(resolve(str(smollm_path)), home, progress=lambda *_: None, notice=said.append)
    [score] = model.choose([Prompt((Message("user", "Which?"),))], ["a", "b"])
    model.close()
    assert score.best in ("a", "b")
    [line] = said
    assert f"(built for {best}) died of SIGILL" in line
    assert line.endswith("works and is used")
