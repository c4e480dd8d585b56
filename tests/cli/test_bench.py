import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlm_local.engine.answer import Answer
from tests.cli.fakes import ANSWER, FakeEngine, not_asked, run_program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"id": f"{kind}-{n}", "kind": kind, "question": f"{kind} {n}?", "paths": ["r"], "answer": 10 + n}
        for kind in ("count", "argmax")
        for n in (1, 2, 3)
    ]
    lines = "".join(json.dumps({**row, "scorer": "number"}) + "\n" for row in rows)
    (tmp_path / "questions.jsonl").write_text(lines)
    return tmp_path


def right_unless_direct(question: str, *, policy: str, **_options: Any) -> Answer:
    number = int(question.rstrip("?")[-1])
    wrong = policy == "direct" or question == "count 2?"
    return replace(ANSWER, question=question, answer="99" if wrong else str(10 + number), policy=policy)


def test_a_table_by_kind_beside_the_direct_answers_and_the_misses(home: Path, folder: Path) -> None:
    engine = FakeEngine(right_unless_direct)
    result = run_program(("bench", "examples", "--examples", folder), engine, home)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[:4] for line in lines[1:7]] == [
        ["count", "rules", "3", "67%"],
        ["argmax", "rules", "3", "100%"],
        ["count", "direct", "3", "0%"],
        ["argmax", "direct", "3", "0%"],
        ["all", "rules", "6", "83%"],
        ["all", "direct", "6", "0%"],
    ]
    assert lines[8:] == ["count-2  count 2?", "  expected 12; given 99"]
    assert [asked["policy"] for asked in engine.asked] == ["rules"] * 6 + ["direct"] * 6
    assert engine.asked[0]["sources"] == [folder / "r"]


def test_options_narrow_what_is_asked(home: Path, folder: Path) -> None:
    engine = FakeEngine(right_unless_direct)
    options = ("--kind", "argmax", "--limit", "2", "--policy", "rules", "--json")
    result = run_program(("bench", "examples", "--examples", folder, *options), engine, home)
    data = json.loads(result.stdout)
    assert [row["kind"] for row in data["rows"]] == ["argmax", "all"]
    assert {row["policy"] for row in data["rows"]} == {"rules"}
    assert [row["id"] for row in data["results"]] == ["argmax-1", "argmax-2"]


def test_several_kinds_are_asked_in_the_order_given(home: Path, folder: Path) -> None:
    options = ("--kind", "argmax", "--kind", "count", "--limit", "1", "--policy", "rules", "--json")
    result = run_program(("bench", "examples", "--examples", folder, *options), FakeEngine(right_unless_direct), home)
    assert [row["id"] for row in json.loads(result.stdout)["results"]] == ["argmax-1", "count-1"]


def test_results_are_gone_on_with(home: Path, folder: Path) -> None:
    out = folder / "results.jsonl"

    def cancelled(question: str, *, cancel: Any, **options: Any) -> Answer:
        if question == "argmax 1?":
            cancel.cancel()
        return right_unless_direct(question, **options)

    command = ("bench", "examples", "--examples", folder, "--out", out)
    assert run_program(command, FakeEngine(cancelled), home).exit_code == 130
    assert len(out.read_text().splitlines()) == 3
    engine = FakeEngine(right_unless_direct)
    assert run_program(command, engine, home).exit_code == 0
    left = [f"argmax {n}?" for n in (1, 2, 3)]
    assert [asked["question"] for asked in engine.asked if asked["policy"] == "rules"] == left
    assert sum(asked["policy"] == "direct" for asked in engine.asked) == 6
    whole = run_program(command, FakeEngine(not_asked), home).stdout
    assert whole == run_program(command[:-2], FakeEngine(right_unless_direct), home).stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--examples", "nowhere"), "there is no nowhere/questions.jsonl"),
        (("--kind", "odd"), "no question is of the kind"),
    ],
)
def test_a_wrong_request_is_a_usage_error(home: Path, folder: Path, arguments: tuple[str, ...], problem: str) -> None:
    result = run_program(("bench", "examples", "--examples", folder, *arguments), FakeEngine(not_asked), home)
    assert result.exit_code == 2
    assert problem in result.stderr
