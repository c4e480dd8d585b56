"""Scoring: what counts as the right answer, and what does not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.bench.scoring import LONGEST_ANSWER, Scorer, Task, load_tasks, score, stated_number
from rlm_local.errors import UsageError


def task(
    scorer: Scorer,
    answer: str | float | tuple[str, ...],
    *,
    question: str = "?",
    accept: tuple[str, ...] = (),
    tolerance: float = 0.0,
) -> Task:
    return Task("t", "any", question, (), scorer, answer, accept, tolerance)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("17", 17),
        ("There were 17.", 17),
        ("**17** visits", 17),
        ("1,234", 1234),
        ("1,234.50 crowns", 1234.5),
        ("EUR 1.234,50", 1234.5),
        ("$1 234", 1234),
        ("1'234", 1234),
        ("12,5", 12.5),
        ("0.75", 0.75),
        ("-3", -3),
        ("17 of the 94 visits", 17),
        ("Of the 94 visits, 17 match. Answer: 17", 17),
        ("94 - 77 = 17", 17),
        ("The total is 17; the list has 94 rows.", 17),
        ("twenty-three", 23),
        ("There are seven of them", 7),
        ("None of the notes", 0),
        ("Patient P-10482 was seen on 2024-03-05 at 08:15, 4 times", 4),
        ("kestrel-3 failed 9 times", 9),
        ("17 notes (17 patients)", 17),
    ],
)
def test_a_text_states_a_number(text: str, number: float) -> None:
    assert stated_number(text, "how many?") == pytest.approx(number)


@pytest.mark.parametrize(
    "text",
    ["", "many", "Of the 94 visits, 17 were cancelled", "two or three", "see P-10482", "8 or 9", "8-12", "8 to 12"],
)
def test_a_text_that_leaves_the_number_open_states_none(text: str) -> None:
    assert stated_number(text, "how many?") is None


def test_numbers_of_the_question_are_passed_over_unless_they_are_all_there_is() -> None:
    question = "How many invoices of 2024 were above 200 crowns?"
    assert stated_number("In 2024 there were 12 above 200 crowns.", question) == 12
    assert stated_number("Exactly 200.", question) == 200


@given(st.integers(min_value=0, max_value=10**9))
def test_a_number_is_read_however_it_is_grouped(number: int) -> None:
    for text in (f"{number}", f"{number:,}", f"{number:,}".replace(",", " "), f"It is {number:,}."):
        assert stated_number(text, "how many?") == number


def test_number_within_the_tolerance() -> None:
    near = task("number", 10, tolerance=2)
    assert [score(near, text, True) for text in ("8", "12", "13", "7")] == [1.0, 1.0, 0.0, 0.0]
    assert score(task("number", 136.6), "It came to 136.60 crowns", True) == 1.0
    assert score(task("number", 136.6), "about 137", True) == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zoe Vossberry", 1.0),
        ("It was Dr. VOSSBERRY.", 1.0),
        ("Zo\u00eb Vossberry", 1.0),
        ("Zoe\nVossberry, as the letter says", 1.0),
        ("Vossberrys", 0.0),
        ("Zoe", 0.0),
        ("", 0.0),
        ("Vossberry " * 50, 0.0),
    ],
)
def test_text_is_a_whole_phrase(text: str, expected: float) -> None:
    assert score(task("text", "Zoe Vossberry", accept=("Vossberry",)), text, True) == expected


def test_text_does_not_take_a_part_of_a_number() -> None:
    extension = task("text", "312")
    assert [score(extension, text, True) for text in ("1,312", "312.5", "3120", "room 312")] == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kestrel-2, kestrel-4", 1.0),
        ("The hosts are kestrel-4 and kestrel-2.", 1.0),
        ("There are two hosts: kestrel-2; kestrel-4", 1.0),
        ("- kestrel-2\n- kestrel-4", 1.0),
        ('["kestrel-2", "kestrel-4"]', 1.0),
        ("kestrel-2, kestrel-2, kestrel-4", 1.0),
        ("kestrel-2", 2 / 3),
        ("kestrel-2, kestrel-4, kestrel-5, kestrel-6", 2 / 3),
        ("kestrel-7", 0.0),
        ("", 0.0),
    ],
)
def test_set_is_f1_of_the_elements(text: str, expected: float) -> None:
    assert score(task("set", ("kestrel-2", "kestrel-4")), text, True) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "Not found in the documents.",
        "The documents do not mention it.",
        "The handbook doesn't say.",
        "There is no information about that.",
        "This is not stated anywhere.",
        "I could not find it",
    ],
)
def test_not_found_in_words(text: str) -> None:
    assert score(task("not_found", "not found"), text, True) == 1.0
    assert score(task("text", "x"), text, True) == 0.0


def test_not_found_by_the_flag() -> None:
    absent = task("not_found", "not found")
    assert score(absent, "", False) == 1.0
    assert score(absent, "Dr Vossberry", True) == 0.0
    assert score(absent, "", True) == 0.0
    assert score(task("text", "Vossberry"), "Vossberry", False) == 0.0
    assert score(task("number", 0), "0", False) == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No.", 1.0),
        ("**No**, neither was taken", 1.0),
        ("The answer is no", 1.0),
        ("Yes", 0.0),
        ("Yes, there is no doubt", 0.0),
        ("It could be yes or no", 0.0),
        ("None", 0.0),
    ],
)
def test_yes_or_no(text: str, expected: float) -> None:
    assert score(task("yes_no", "no"), text, True) == expected


@pytest.mark.parametrize(
    ("scorer", "answer", "text"),
    [
        ("number", 3, "3"),
        ("text", "owl", "owl"),
        ("set", ("owl", "elk"), "owl, elk"),
        ("yes_no", "no", "no"),
        ("not_found", "not found", "not found"),
    ],
)
def test_a_dump_earns_nothing(scorer: Scorer, answer: str | float | tuple[str, ...], text: str) -> None:
    assert score(task(scorer, answer), text, True) == 1.0
    assert score(task(scorer, answer), text + " " * LONGEST_ANSWER + ".", True) == 0.0


@given(st.text(), st.booleans())
def test_a_score_lies_between_0_and_1(text: str, found: bool) -> None:
    for one in (
        task("number", 3),
        task("text", "x"),
        task("set", ("a", "b")),
        task("yes_no", "no"),
        task("not_found", ""),
    ):
        assert 0.0 <= score(one, text, found) <= 1.0


ROW = {"id": "a-1", "kind": "list", "question": "Which?", "paths": ["x"], "answer": ["p", "q"], "scorer": "set"}


def test_tasks_are_read_with_paths_beside_the_file(tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({**ROW, "absent": []}) + "\n")
    assert load_tasks(questions) == [Task("a-1", "list", "Which?", (tmp_path / "x",), "set", ("p", "q"))]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        json.dumps({**ROW, "scorer": "guess"}),
        json.dumps({**ROW, "answer": 3}),
        json.dumps({**ROW, "group": 3}),
        '{"id": "a"}',
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps(ROW) + "\n" + line + "\n")
    with pytest.raises(UsageError, match=r"questions\.jsonl, line 2"):
        load_tasks(questions)
