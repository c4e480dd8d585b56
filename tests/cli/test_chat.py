"""`rlm-local chat`: turns, what each follows, corrections, and what does not end it."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from rlm_local.engine.answer import Answer, Ended
from rlm_local.engine.events import Event
from rlm_local.errors import UsageError
from tests.cli.fakes import ANSWER, FakeEngine, run_program


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "records"
    path.mkdir()
    (path / "notes.txt").write_text("The gate is red.\n")
    return path


def numbered() -> Callable[..., Answer]:
    """Answers of runs called run1, run2, ..."""
    numbers = count(1)
    return lambda question, **_options: replace(ANSWER, question=question, run_id=f"run{next(numbers)}")


def chat(engine: FakeEngine, records: Path, home: Path, said: str, *options: str) -> Result:
    return run_program(["chat", records, *options], engine, home, stdin=said)


def asked(engine: FakeEngine) -> list[tuple[str, Any, Any]]:
    return [(each["question"], each["follows"], each["before"]) for each in engine.asked]


def test_each_question_follows_the_one_before_it_over_documents_that_are_opened_once(records: Path, home: Path) -> None:
    engine = FakeEngine(numbered())
    result = chat(engine, records, home, "What was billed?\n\n  and in 2023?  \n/quit\nnever asked\n")
    assert asked(engine) == [("What was billed?", None, None), ("and in 2023?", "run1", None)]
    assert engine.asked[0]["sources"] is engine.asked[1]["sources"]
    assert len(engine.made) == 1
    assert (result.exit_code, result.stdout.count("136.60\n")) == (0, 2)
    assert "invoices/2024.csv:9540-9606" in result.stderr


def test_a_correction_takes_the_place_of_what_was_understood_and_new_begins_afresh(records: Path, home: Path) -> None:
    engine = FakeEngine(numbered())
    chat(
        engine,
        records,
        home,
        "What was billed?\nand then?\n/as What was billed in May?\nby whom?\n/new\nWho?\n/as Whom?\n",
    )
    assert asked(engine) == [
        ("What was billed?", None, None),
        ("and then?", "run1", None),
        ("What was billed in May?", "run1", ()),
        ("by whom?", "run3", None),
        ("Who?", None, None),
        ("Whom?", None, ()),
    ]


def test_what_was_understood_is_shown_before_the_answer(records: Path, home: Path) -> None:
    engine = FakeEngine(numbered(), events=[Event("understood", "What was billed in 2023?", data={"said": "2023?"})])
    result = chat(engine, records, home, "2023?\n")
    assert "understood as: What was billed in 2023?\n" in result.stderr


def test_json_is_a_line_a_turn(records: Path, home: Path) -> None:
    result = chat(FakeEngine(numbered()), records, home, "What?\nand who?\n", "--json")
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["said"], first["follows"], first["answer"]) == ("What?", None, "136.60")
    assert (second["said"], second["follows"]) == ("and who?", "run1")


def test_what_breaks_a_turn_does_not_end_the_chat(records: Path, home: Path) -> None:
    numbers = count(1)

    def answer(question: str, **_options: Any) -> Answer:
        if question == "too long":
            raise UsageError("the question is too long")
        return replace(ANSWER, run_id=f"run{next(numbers)}", ended=Ended.ERROR, error="it broke")

    engine = FakeEngine(answer)
    result = chat(engine, records, home, "What?\ntoo long\nand who?\n", "--json")
    assert asked(engine)[-1] == ("and who?", "run1", None)
    assert [json.loads(line)["error"] for line in result.stdout.splitlines()] == [
        "it broke",
        "the question is too long",
        "it broke",
    ]
    assert result.exit_code == 0


def test_commands_that_there_are_not_are_told_and_paths_are_questions(records: Path, home: Path) -> None:
    engine = FakeEngine(numbered())
    result = chat(engine, records, home, "/help\n/nonesuch\n/as\n/var/log: what is in it?\n")
    assert "/new " in result.stderr
    assert "there is no /nonesuch" in result.stderr
    assert "/as is followed by" in result.stderr
    assert [question for question, _, _ in asked(engine)] == ["/var/log: what is in it?"]


def test_questions_and_documents_do_not_both_come_from_standard_input(home: Path) -> None:
    result = run_program(["chat", "-"], FakeEngine(), home, stdin="What?\n")
    assert result.exit_code == 2
    assert "standard input" in result.stderr
