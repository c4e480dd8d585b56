from dataclasses import replace
from pathlib import Path

import pytest

from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.trained import TrainedPolicies
from rlm_local.errors import UsageError
from rlm_policy import Action, Manifest, Policies

MANIFEST = Manifest("tiny", "ab" * 32, "cd" * 32, PROMPT_VERSION, {Action.MAP: -0.5}, scale=0.5)


class Loaded(list[tuple[str, Path]]):
    def __call__(self, name: str, path: Path) -> None:
        self.append((name, path))


@pytest.fixture
def loaded() -> Loaded:
    return Loaded()


@pytest.fixture
def trained(tmp_path: Path, loaded: Loaded) -> TrainedPolicies:
    return TrainedPolicies(Policies(tmp_path / "policies"), "ab" * 32, "cd" * 32, loaded)


def add(trained: TrainedPolicies, tmp_path: Path, name: str, manifest: Manifest = MANIFEST) -> None:
    adapter = tmp_path / "adapter.gguf"
    adapter.write_bytes(name.encode())
    trained.policies.add(name, adapter, manifest)


def test_a_policy_is_its_adapter_and_its_biases(trained: TrainedPolicies, loaded: Loaded, tmp_path: Path) -> None:
    add(trained, tmp_path, "sparing")
    policy = trained.find("sparing", 0.25)
    assert policy
    assert (policy.name, policy.price, policy.calibration) == ("sparing", 0.25, {Action.MAP: -0.5})
    [(adapter, path)] = loaded
    assert policy.adapters == {adapter: 0.5}
    assert path.read_bytes() == b"sparing"
    trained.find("sparing", None)
    assert len(loaded) == 1  # an adapter is loaded once


def test_names_that_are_not_of_the_directory_are_left_to_others(trained: TrainedPolicies) -> None:
    assert trained.find("rules", None) is None


def test_what_is_promoted_meanwhile_counts_at_once(trained: TrainedPolicies, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no policy is promoted"):
        trained.find("adapter", None)
    for name in ("first", "second"):
        add(trained, tmp_path, name)
        trained.policies.promote(name, force=True)
        found = trained.find("adapter", None)
        assert found
        assert found.name == name


@pytest.mark.parametrize(
    ("field", "said"),
    [("base_sha256", "weights"), ("template_sha256", "a chat template"), ("prompt_version", "prompts")],
)
def test_a_policy_for_something_else_is_refused(
    trained: TrainedPolicies, tmp_path: Path, field: str, said: str
) -> None:
    add(trained, tmp_path, "other", replace(MANIFEST, **{field: "12" * 32}))
    with pytest.raises(UsageError, match=f"was trained with {said}"):
        trained.find("other", None)


def test_a_damaged_policy_is_a_wrong_request(trained: TrainedPolicies, tmp_path: Path) -> None:
    add(trained, tmp_path, "sparing")
    (tmp_path / "policies" / "sparing" / "adapter.gguf").write_bytes(b"another")
    with pytest.raises(UsageError, match="not what was written"):
        trained.find("sparing", None)
