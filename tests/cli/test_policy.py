"""Trained policies on the command line; no model is asked."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rlm_policy import Interval, Manifest, Policies
from tests.cli.fakes import FakeEngine, run_program
from tests.policy.test_gate import BETTER

MANIFEST = Manifest("tiny", "ab" * 32, "cd" * 32, "plan-1", provenance={"method": "sft"})
DETAIL = {
    "policies": [
        {
            "policy": "prompted",
            "n": 40,
            "score": {"mean": 0.5, "low": 0.4, "high": 0.6},
            "tokens": {"mean": 1234.0, "low": 1000.0, "high": 1500.0},
            "calls": 2.0,
            "seconds": 1.0,
        }
    ],
    "decisions": {
        "first": {
            "n": 40,
            "accuracy": 0.9,
            "over": 1,
            "under": 0,
            "valid": 1.0,
            "confusion": [{"right": "count", "taken": "MAP", "n": 1}, {"right": "read", "taken": "read", "n": 36}],
        }
    },
}


@pytest.fixture
def policies(home: Path, tmp_path: Path) -> Policies:
    adapter = tmp_path / "adapter.gguf"
    adapter.write_bytes(b"GGUF")
    policies = Policies(home / "policies")
    for name in ("first", "second"):
        policies.add(name, adapter, MANIFEST)
    policies.evaluated("first", BETTER, DETAIL)
    policies.evaluated("second", replace(BETTER, score=Interval(-0.1, -0.2, 0.0)), DETAIL)
    return policies


def run(home: Path, *arguments: str) -> tuple[int, str, str]:
    result = run_program(("policy", *arguments), FakeEngine(), home)
    return result.exit_code, result.stdout, result.stderr


def test_without_any_the_list_is_its_heading(home: Path) -> None:
    assert run(home, "list") == (0, "  name  model  made  score  tokens\n", "")


def test_what_is_better_is_promoted_and_taken_back(policies: Policies, home: Path) -> None:
    assert run(home, "promote", "first") == (0, "first is the policy for tiny\n", "")
    status, listed, _ = run(home, "list")
    assert status == 0
    assert [line.split()[:2] for line in listed.splitlines()[1:]] == [["*", "first"], ["second", "tiny"]]
    assert run(home, "rollback") == (0, "no trained policy counts again\n", "")
    status, _, said = run(home, "rollback")
    assert status == 2
    assert "none is promoted" in said


def test_what_is_worse_is_promoted_by_force_alone(policies: Policies, home: Path) -> None:
    status, _, said = run(home, "promote", "second")
    assert status == 1
    assert "it scores 0.100 lower" in said
    assert run(home, "promote", "second", "--force")[0] == 0
    assert policies.history()[-1].objections == ("it scores 0.100 lower",)


def test_a_policy_is_shown_with_its_report(policies: Policies, home: Path) -> None:
    _, shown, _ = run(home, "show", "first")
    assert "on 40 held-out tasks, against the model untrained:\n  score +0.050 (95 % -0.020 to +0.120)" in shown
    assert "first: 90.0% of 40 decisions as the oracle's, 1 too dear, 0 too cheap\n    count taken as MAP: 1\n" in shown
    assert shown.endswith("the gate: it is better\n")
    data = json.loads(run(home, "show", "second", "--json")[1])
    assert (data["name"], data["objections"]) == ("second", ["it scores 0.100 lower"])


def test_a_policy_that_is_not_there(home: Path) -> None:
    status, _, said = run(home, "show", "third")
    assert status == 1
    assert "there is no policy 'third'. `rlm-local policy list` names them" in said


def test_no_oracle_is_spoken_of_where_no_alternatives_were_collected(policies: Policies, home: Path) -> None:
    [(policy, found)] = DETAIL["decisions"].items()
    policies.evaluated("first", BETTER, {**DETAIL, "decisions": {policy: {**found, "n": 0, "confusion": []}}})
    _, shown, _ = run(home, "show", "first")
    assert "as the oracle's" not in shown
