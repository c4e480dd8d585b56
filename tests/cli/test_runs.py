import json
from dataclasses import replace
from pathlib import Path

import pytest

from rlm_local.home import Home
from rlm_local.log import NodeStart, RunStore
from tests.cli.fakes import FakeEngine, not_asked, run_program
from tests.log.sample import answer, call_record, run_start, turn_start, write_run

NO_ENGINE = FakeEngine(not_asked)


@pytest.fixture
def run_id(home: Path) -> str:
    with RunStore(Home(home).runs) as store:
        log = store.begin(run_start())
        write_run(log, turns=2)
        return log.run_id


def test_list_has_a_line_for_each_run(home: Path, run_id: str) -> None:
    with RunStore(Home(home).runs) as store:
        last = store.begin(run_start("and in\nJune?\x1b[31m")).run_id
    lines = run_program(("runs", "list"), NO_ENGINE, home).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["run", last, run_id]
    assert "unfinished" in lines[1]
    assert "and in June?\ufffd[31m" in lines[1]
    assert "How many visits in May?  12" in lines[2]
    one = run_program(("runs", "list", "-n", "1", "--json"), NO_ENGINE, home).stdout
    [summary] = json.loads(one)
    assert (summary["run_id"], summary["ended"], summary["answer"]) == (last, "unfinished", None)


def test_list_of_an_empty_log_is_its_heading(home: Path) -> None:
    result = run_program(("runs", "list"), NO_ENGINE, home)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["run  started  ended  seconds  question  answer"]


def test_show_tells_the_run_from_the_question_to_its_cost(home: Path, run_id: str) -> None:
    said = run_program(("runs", "show", run_id[:7]), NO_ENGINE, home).stdout
    parts = [
        "How many visits in May?",
        f"run {run_id}",
        "300,000 tokens in 44 documents: examples/records",
        "1. SEARCH (SEARCH 82%, MAP 18%): fields",
        "   print(0)",
        "   3 judge calls · 180 tokens in (120 kept), 0 out · 0.5 s",
        "visit 0.0 →",
        "   0\n",
        "2. SEARCH",
        "\n12\n",
        "visits.csv:10-24  “2026-05-04,Roe”",
        f"900 + 12 tokens · 3 calls · tiny · run {run_id}",
    ]
    places = [said.index(part) for part in parts]
    assert places == sorted(places)


def test_show_tells_the_length_of_a_summary_that_was_asked_for(home: Path) -> None:
    with RunStore(Home(home).runs) as store:
        store.begin(replace(run_start(), length="points"))
    assert "50 calls · length points\n" in run_program(("runs", "show", "last"), NO_ENGINE, home).stdout


def test_show_of_a_run_that_died_says_so(home: Path) -> None:
    with RunStore(Home(home).runs) as store:
        log = store.begin(run_start())
        root = log.node(NodeStart("How many?"))
        log.end_turn(log.begin_turn(root, turn_start()), "", "Traceback\x1b[2J: boom\n", "memory", 1.0)
        child = log.node(NodeStart("a part of it", root, 1))
        turn = log.begin_turn(child, turn_start("for i in range(3):\n    pass"))
        log.calls(turn, "query", [call_record(f"item {n}") for n in range(9)], 1.0)
    said = run_program(("runs", "show", "last"), NO_ENGINE, home).stdout
    assert "Traceback\ufffd[2J: boom" in said
    assert "stopped: memory" in said
    assert "└ a part of it" in said
    assert "      for i in range(3):\n          pass\n" in said
    assert "(never came to its end)" in said
    assert said.rstrip().endswith("unfinished: the run is still going on, or its process died")


def test_show_and_export_as_json_hold_the_same(home: Path, run_id: str, tmp_path: Path) -> None:
    shown = json.loads(run_program(("runs", "show", run_id, "--json"), NO_ENGINE, home).stdout)
    exported = run_program(("runs", "export", run_id), NO_ENGINE, home).stdout
    assert [json.loads(line) for line in exported.splitlines()] == shown
    assert shown[-1]["answer"] == answer(run_id).answer
    out = tmp_path / "run.jsonl"
    assert run_program(("runs", "export", "last", "--out", out), NO_ENGINE, home).stdout == ""
    assert out.read_text() == exported
    assert out.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in out.parent.iterdir() if path.is_file()] == ["run.jsonl"]


def test_a_run_that_is_not_there_is_a_usage_error(home: Path, run_id: str, tmp_path: Path) -> None:
    for arguments in (("show", "nope"), ("export", "nope"), ("export", "nope", "--out", tmp_path / "x.jsonl")):
        result = run_program(("runs", *arguments), NO_ENGINE, home)
        assert result.exit_code == 2
        assert "there is no run 'nope' in the log. `rlm-local runs list` names them" in result.stderr
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


def test_a_deleted_run_is_gone_and_the_report_says_what_went(home: Path, run_id: str) -> None:
    with RunStore(Home(home).runs) as store:
        kept = store.begin(run_start("and in June?")).run_id
    said = run_program(("runs", "delete", run_id[:7]), NO_ENGINE, home)
    assert said.stdout.startswith(f"1 run deleted: {run_id}\nwith them ")
    assert kept in run_program(("runs", "list"), NO_ENGINE, home).stdout
    assert run_id not in run_program(("runs", "list"), NO_ENGINE, home).stdout
    assert run_program(("runs", "delete", run_id), NO_ENGINE, home).exit_code == 2
    report = json.loads(run_program(("runs", "delete", "last", "--json"), NO_ENGINE, home).stdout)
    assert (report["runs"], report["files"], report["left"]) == ([kept], [], [])
    assert report["values"] > 0


def test_a_purge_takes_what_is_old_enough(home: Path, run_id: str) -> None:
    assert run_program(("runs", "purge", "--older-than", "1d"), NO_ENGINE, home).stdout == "nothing was deleted\n"
    for wrong in ("30", "d", "-1d", "0d", "1y", "99999999d"):
        assert run_program(("runs", "purge", "--older-than", wrong), NO_ENGINE, home).exit_code == 2
    with RunStore(Home(home).runs) as store:
        assert store.known([run_id]) == {run_id}
