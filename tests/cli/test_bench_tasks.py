import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlm_local.bench.tasks import Spec
from rlm_local.engine.answer import Answer
from tests.cli.fakes import ANSWER, FakeEngine, not_asked, run_program

COMMAND = ("bench", "tasks", "--kind", "count", "--kind", "short", "--tokens", "4k,2k", "-n", "2")


def right_unless_direct(question: str, *, task_id: str, policy: str, **_options: Any) -> Answer:
    cell, _, seed = task_id.rpartition(" ")
    kind, length = cell.split(" ")
    task, _ = Spec(kind, int(length[:-1]) * 1000, int(seed)).make()
    assert task.question == question
    return replace(ANSWER, question=question, answer="?" if policy == "direct" else str(task.answer), policy=policy)


def test_a_table_by_kind_and_length_and_the_same_as_csv(home: Path, tmp_path: Path) -> None:
    engine = FakeEngine(right_unless_direct)
    out, plot = tmp_path / "table.csv", tmp_path / "plot.svg"
    result = run_program((*COMMAND, "--csv", out, "--plot", plot), engine, home)
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [row[:4] for row in rows] == [
        ["count", "2k", "rules", "2"],
        ["count", "2k", "direct", "2"],
        ["short", "1k", "rules", "2"],
        ["short", "1k", "direct", "2"],
        ["count", "4k", "rules", "2"],
        ["count", "4k", "direct", "2"],
        ["all", "rules", "6", "100%"],
        ["all", "direct", "6", "0%"],
    ]
    assert [asked["sources"] for asked in engine.asked[:2]] == [["hires.csv", "customers.csv", "messages.csv"]] * 2
    assert ">count, direct</text>" in plot.read_text()
    assert not engine.homes[0].leaf_cache, "what an answer costs is measured, not remembered"
    table = list(csv.DictReader(out.read_text().splitlines()))
    assert [(row["kind"], row["length"], row["policy"], row["n"], row["score"]) for row in table[:2]] == [
        ("count", "2000", "rules", "2", "1.0"),
        ("count", "2000", "direct", "2", "0.0"),
    ]
    assert float(table[0]["tokens"]) == float(table[0]["tokens_p95"]) == 2094
    assert (table[0]["calls"], table[0]["seconds"]) == ("1", "36.3")


def test_results_are_gone_on_with(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.jsonl"

    def cancelled(question: str, *, cancel: Any, task_id: str, **options: Any) -> Answer:
        if task_id == "short 1k 0":
            cancel.cancel()
        return right_unless_direct(question, task_id=task_id, **options)

    command = (*COMMAND, "--out", out, "--policy", "rules")
    assert run_program(command, FakeEngine(cancelled), home).exit_code == 130
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["count 2k 0", "count 2k 1"]
    engine = FakeEngine(right_unless_direct)
    whole = run_program(command, engine, home)
    assert whole.exit_code == 0
    assert [asked["task_id"] for asked in engine.asked] == ["short 1k 0", "short 1k 1", "count 4k 0", "count 4k 1"]
    assert run_program(command, FakeEngine(not_asked), home).stdout == whole.stdout


def test_seeds_lines_of_data_and_json(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "trec.label"
    data.write_text("".join(f"{label}:x {label} ?\n" for label in ("ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM")))
    engine = FakeEngine()
    options = (
        "--kind",
        "aggregate",
        "--tokens",
        "2k",
        "-n",
        "1",
        "--seed",
        "5",
        "--data",
        data,
        "--policy",
        "rules",
        "--json",
    )
    shown = json.loads(run_program(("bench", "tasks", *options), engine, home).stdout)
    assert [result["id"] for result in shown["results"]] == ["aggregate-data 2k 5"]
    assert [row["kind"] for row in shown["rows"]] == ["aggregate-data 2k", "all"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--kind", "odd"), "there is no kind 'odd'. There are needle"),
        (("--tokens", "1k"), "'1k' is no length in tokens"),
        (("--tokens", "2k,"), "'' is no length in tokens"),
        (("--tokens", "20M"), "'20M' is no length in tokens"),
        (("--data", "nowhere"), "nowhere cannot be read"),
    ],
)
def test_a_wrong_request_is_a_usage_error(home: Path, options: tuple[str, ...], problem: str) -> None:
    result = run_program(("bench", "tasks", *options), FakeEngine(not_asked), home)
    assert result.exit_code == 2
    assert problem in result.stderr
