"""What a question names is found in it, and looked for in a program."""

from dataclasses import replace

import pytest

from rlm_local.engine.authors.asked import named_tables, unused, wholly_named, years

from .harbour import TABLES


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
