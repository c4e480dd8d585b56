import json
from dataclasses import replace
from pathlib import Path

import pytest

from rlm_policy import Action, ArtifactError, Interval, Manifest, NotBetterError, Policies
from tests.policy.test_gate import BETTER

BASE = "ab" * 32
MANIFEST = Manifest(
    base="tiny",
    base_sha256=BASE,
    template_sha256="cd" * 32,
    prompt_version="plan-1",
    calibration={Action.SEARCH: 0.5},
    provenance={"method": "sft", "samples": 120},
)


@pytest.fixture
def policies(tmp_path: Path) -> Policies:
    return Policies(tmp_path / "policies")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    path = tmp_path / "trained.gguf"
    path.write_bytes(b"GGUF and more")
    return path


def test_what_was_added_comes_back(policies: Policies, adapter: Path) -> None:
    made = policies.add("sparing", adapter, MANIFEST)
    adapter.unlink()
    assert policies.get("sparing") == made
    assert (made.manifest, made.report) == (MANIFEST, None)
    assert made.adapter.read_bytes() == b"GGUF and more"
    assert policies.all() == [made]


def test_without_any_there_are_none(policies: Policies) -> None:
    assert (policies.all(), policies.history(), policies.promoted(BASE)) == ([], (), None)


@pytest.mark.parametrize("name", ["", "../up", "UPPER", ".hidden", "rules", "a/b"])
def test_names_that_a_policy_cannot_have(policies: Policies, adapter: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match="cannot be a policy's name"):
        policies.add(name, adapter, MANIFEST)


def test_a_name_is_given_once(policies: Policies, adapter: Path) -> None:
    policies.add("sparing", adapter, MANIFEST)
    with pytest.raises(ArtifactError, match="already"):
        policies.add("sparing", adapter, MANIFEST)


def test_an_adapter_that_cannot_be_copied_leaves_nothing(policies: Policies, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be written"):
        policies.add("sparing", tmp_path / "not there", MANIFEST)
    assert list(policies.directory.iterdir()) == []


def test_an_adapter_that_was_changed_is_not_used(policies: Policies, adapter: Path) -> None:
    policies.add("sparing", adapter, MANIFEST).adapter.write_bytes(b"another")
    with pytest.raises(ArtifactError, match="not what was written"):
        policies.get("sparing")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"manifest": {"calibration": {"JUMP": 1}}}'])
def test_a_damaged_folder_is_named(policies: Policies, adapter: Path, text: str) -> None:
    folder = policies.add("sparing", adapter, MANIFEST).folder
    (folder / "policy.json").write_text(text)
    with pytest.raises(ArtifactError, match=str(folder)):
        policies.get("sparing")


def test_only_what_is_better_is_promoted(policies: Policies, adapter: Path) -> None:
    policies.add("sparing", adapter, MANIFEST)
    with pytest.raises(NotBetterError, match="it was not evaluated"):
        policies.promote("sparing")
    policies.evaluated("sparing", replace(BETTER, score=Interval(-0.1, -0.2, 0.0)), {})
    with pytest.raises(NotBetterError, match=r"it scores 0\.100 lower"):
        policies.promote("sparing")
    assert policies.promoted(BASE) is None
    policies.evaluated("sparing", BETTER, {"confusion": {}})
    assert policies.promote("sparing").report == BETTER
    assert policies.promoted(BASE) == policies.get("sparing")


def test_what_was_forced_is_in_the_history_with_what_the_gate_said(policies: Policies, adapter: Path) -> None:
    policies.add("sparing", adapter, MANIFEST)
    policies.promote("sparing", force=True)
    [line] = policies.history()
    assert (line.name, line.by, line.objections) == ("sparing", "promote", ("it was not evaluated",))


def test_going_back_step_by_step(policies: Policies, adapter: Path) -> None:
    for name in ("first", "second", "third"):
        policies.add(name, adapter, MANIFEST)
        policies.promote(name, force=True)
    names: list[str | None] = []
    for _ in range(3):
        before = policies.rollback(BASE)
        names.append(before.name if before else None)
    assert names == ["second", "first", None]
    assert policies.promoted(BASE) is None
    with pytest.raises(ArtifactError, match="no policy is promoted"):
        policies.rollback(BASE)
    assert [line.by for line in policies.history()] == ["promote"] * 3 + ["rollback"] * 3


def test_each_base_has_a_policy_of_its_own(policies: Policies, adapter: Path) -> None:
    policies.add("one", adapter, MANIFEST)
    policies.add("other", adapter, replace(MANIFEST, base_sha256="12" * 32))
    policies.promote("one", force=True)
    policies.promote("other", force=True)
    policies.rollback("12" * 32)
    assert policies.promoted(BASE) == policies.get("one")


def test_a_damaged_history_is_named(policies: Policies, adapter: Path) -> None:
    policies.add("one", adapter, MANIFEST)
    policies.promote("one", force=True)
    history = policies.directory / "history.jsonl"
    history.write_text(history.read_text() + json.dumps({"name": "one"}) + "\n")
    with pytest.raises(ArtifactError, match=r"history\.jsonl is damaged"):
        policies.promoted(BASE)


@pytest.mark.parametrize("cut", [1, 20, -1])
def test_a_last_line_that_was_cut_short_never_came_to_be(policies: Policies, adapter: Path, cut: int) -> None:
    for name in ("one", "other"):
        policies.add(name, adapter, MANIFEST)
        policies.promote(name, force=True)
    history = policies.directory / "history.jsonl"
    first, second = history.read_bytes().splitlines(keepends=True)
    history.write_bytes(first + second[:cut])
    assert policies.promoted(BASE) == policies.get("one")
    policies.promote("other", force=True)
    assert [line.name for line in policies.history()] == ["one", "other"]


def test_two_rollbacks_at_once_go_back_from_the_only_policy(policies: Policies, adapter: Path) -> None:
    policies.add("one", adapter, MANIFEST)
    policies.promote("one", force=True)
    policies.rollback(BASE)
    history = policies.directory / "history.jsonl"
    history.write_bytes(history.read_bytes() + history.read_bytes().splitlines(keepends=True)[-1])
    assert policies.promoted(BASE) is None
    policies.promote("one", force=True)
    assert policies.promoted(BASE) == policies.get("one")
