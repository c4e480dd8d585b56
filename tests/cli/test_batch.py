import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlm_local.engine.answer import Answer, Ended
from rlm_local.errors import RlmLocalError
from tests.cli.fakes import ANSWER, FakeEngine, not_asked, run_program


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    return tmp_path / "records" / "tasks.jsonl"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def write_tasks(path: Path, lines: Sequence[object]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))


def read_answers(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def task(number: int) -> dict[str, Any]:
    return {"id": f"q{number}", "question": f"question {number}?", "paths": ["a.csv", "/tmp/b.csv"]}


def test_each_task_is_a_line_with_its_id_and_paths_are_relative_to_the_file(
    home: Path, tasks: Path, answers: Path
) -> None:
    write_tasks(tasks, [task(1), "", task(2)])
    engine = FakeEngine()
    result = run_program(("batch", tasks, "--out", answers, "--timeout", "9"), engine, home)
    assert result.exit_code == 0
    assert len(engine.made) == 1
    assert read_answers(answers) == [
        {"id": f"q{n}", **json.loads(json.dumps(replace(ANSWER, question=f"question {n}?").data()))} for n in (1, 2)
    ]
    assert engine.asked[0]["sources"] == [tasks.parent / "a.csv", Path("/tmp/b.csv")]
    assert (engine.asked[0]["task_id"], engine.asked[0]["timeout"]) == ("q1", 9)


def test_what_is_no_task_and_a_task_that_fails_are_lines(home: Path, tasks: Path, answers: Path) -> None:
    def answer(question: str, **_options: Any) -> Answer:
        if "2" in question:
            raise RlmLocalError("no path a.csv", remedy="Name a file")
        if "3" in question:
            raise ZeroDivisionError("a bug")
        return ANSWER

    broken = ["{torn", "[1]", {"id": "p", "question": "?"}, {"id": "x", "paths": []}, {"id": ["y"], "question": "?"}]
    write_tasks(tasks, [*broken, task(1), task(2), task(3), task(4)])
    result = run_program(("batch", tasks, "--out", answers), FakeEngine(answer), home)
    assert result.exit_code == 1
    rows = read_answers(answers)
    assert [(row["id"], row["ended"]) for row in rows] == [
        ("line 1", "error"),
        ("line 2", "error"),
        ("p", "error"),
        ("x", "error"),
        ("line 5", "error"),
        ("q1", "answered"),
        ("q2", "error"),
        ("q3", "error"),
        ("q4", "answered"),
    ]
    assert f"{tasks}, line 1 is not JSON" in rows[0]["error"]
    assert "paths are not a list" in rows[2]["error"]
    assert rows[6]["error"] == "no path a.csv. Name a file"
    assert {frozenset(row) for row in rows} == {frozenset(["id", *ANSWER.data()])}


@pytest.mark.parametrize(("ended", "status"), [(Ended.BUDGET, 3), (Ended.ERROR, 1)])
def test_the_exit_status_says_the_worst(home: Path, tasks: Path, answers: Path, ended: Ended, status: int) -> None:
    def answer(question: str, **_options: Any) -> Answer:
        return replace(ANSWER, ended=ended if "1" in question else Ended.ANSWERED)

    write_tasks(tasks, [task(1), task(2)])
    assert run_program(("batch", tasks, "--out", answers), FakeEngine(answer), home).exit_code == status


@pytest.mark.parametrize("torn", ['{"id": "q2", "answ', '{"id": "q2"}'])
def test_a_batch_goes_on_where_it_was_killed(home: Path, tasks: Path, answers: Path, torn: str) -> None:
    write_tasks(tasks, [task(1), task(2), task(3)])
    answers.write_text('{"id": "q1", "answer": "kept"}\n' + torn)
    engine = FakeEngine()
    assert run_program(("batch", tasks, "--out", answers), engine, home).exit_code == 0
    assert [asked["task_id"] for asked in engine.asked] == ["q2", "q3"]
    assert [row["id"] for row in read_answers(answers)] == ["q1", "q2", "q3"]
    assert read_answers(answers)[0]["answer"] == "kept"
    before = answers.read_bytes()
    again = FakeEngine(not_asked)
    assert run_program(("batch", tasks, "--out", answers), again, home).exit_code == 0
    assert again.made == []
    assert answers.read_bytes() == before


def test_a_cancelled_task_is_asked_again_next_time(home: Path, tasks: Path, answers: Path) -> None:
    def cancelled(question: str, *, cancel: Any, **_options: Any) -> Answer:
        if "2" in question:
            cancel.cancel()
            return replace(ANSWER, ended=Ended.CANCELLED)
        return ANSWER

    write_tasks(tasks, [task(1), task(2), task(3)])
    assert run_program(("batch", tasks, "--out", answers), FakeEngine(cancelled), home).exit_code == 130
    assert [row["id"] for row in read_answers(answers)] == ["q1"]


def test_two_tasks_with_one_id_are_refused_before_anything_starts(home: Path, tasks: Path, answers: Path) -> None:
    write_tasks(tasks, [task(1), task(2), task(1)])
    result = run_program(("batch", tasks, "--out", answers), FakeEngine(not_asked), home)
    assert result.exit_code == 2
    assert f"{tasks}, line 3 has the id of line 1: q1" in result.stderr
    assert not answers.exists()


def test_answers_that_cannot_be_written_are_a_clear_error(home: Path, tasks: Path) -> None:
    write_tasks(tasks, [task(1)])
    result = run_program(("batch", tasks, "--out", tasks.parent / "none" / "a.jsonl"), FakeEngine(not_asked), home)
    assert result.exit_code == 1
    assert "a.jsonl cannot be written: No such file or directory" in result.stderr


def test_a_file_that_holds_no_answers_is_not_written_to(home: Path, tasks: Path, answers: Path) -> None:
    write_tasks(tasks, [task(1)])
    answers.write_text("precious\nnotes\n")
    result = run_program(("batch", tasks, "--out", answers), FakeEngine(not_asked), home)
    assert result.exit_code == 2
    assert answers.read_text() == "precious\nnotes\n"
