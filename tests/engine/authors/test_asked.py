"""What a question names is found in it, and looked for in a program."""

from dataclasses import replace

import pytest

from rlm_local.collection import Table
from rlm_local.engine.authors.asked import named_marks, named_tables, unused, wholly_named, years

from .harbour import TABLES, column


@pytest.mark.parametrize(
    ("question", "tables"),
    [
        ("How many boats made trips in May?", ("boats", "trips")),
        ("Which boat is the longest?", ("boats",)),
        ("What is the height of Holm?", ()),
    ],
)
def test_tables_that_a_question_names(question: str, tables: tuple[str, ...]) -> None:
    assert named_tables(TABLES, question) == tables


def test_years_are_words_of_their_own() -> None:
    assert years("Boats of 1998 and 2004, not of the 1970s, nor number 120044 or 3024?") == ("1998", "2004")


@pytest.mark.parametrize(
    ("program", "left_out"),
    [
        ("SELECT COUNT(*) FROM Trips WHERE at >= '2024-01-01'", ()),
        ("SELECT SUM(people_2024) FROM trips", ()),
        ("SELECT COUNT(*) FROM boats WHERE votes > 120244", ("trips", "2024")),
    ],
)
def test_what_a_program_leaves_out(program: str, left_out: tuple[str, ...]) -> None:
    assert unused(("trips", "2024"), program) == left_out


def test_a_table_that_is_named_in_part_need_not_be_used() -> None:
    tables = [replace(TABLES[0], name=name) for name in ("recent_graduates", "majors_list", "women_stem", "majors")]
    question = "In how many majors are more than half of the recent graduates women?"
    assert wholly_named(tables, question) == ("recent_graduates", "majors")


def test_a_column_that_marks_rows_has_to_be_used_and_not_its_name_be_looked_for() -> None:
    columns = (
        column("cabin", "number", [0, 1]),
        column("votes", "number", [0, 900]),
        column("mountain", "flag", [0, 1]),
    )
    question = "How many episodes with votes show a cabin and mountains?"
    assert named_marks([Table("episodes", "rows", 40, columns)], question) == ("cabin", "mountain")
    named = ("cabin", "mountain")
    assert unused(named, "SELECT COUNT(*) FROM episodes WHERE cabin = 1 AND title LIKE '%mountain%'") == ("mountain",)
    assert unused(named, "FINAL(len([e for e in episodes if e.cabin and e['mountain']]))") == ()
