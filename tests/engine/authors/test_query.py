"""What a model wrote as SQL is parsed, its names resolved, its values spelled as in the records."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection import Table
from rlm_local.collection.mentions import Mention
from rlm_local.engine.authors.errors import BadProgram
from rlm_local.engine.authors.query import Query, check

from .harbour import REFERENCES, TABLES, column, values


def checked(sql: str, question: str = "") -> Query:
    return check(sql, TABLES, question, values, REFERENCES)


def test_a_good_query_stays_as_it_is() -> None:
    query = checked("SELECT COUNT(*) FROM boats WHERE harbour = 'Holm'")
    assert query.sql == "SELECT COUNT(*) FROM boats WHERE harbour = 'Holm'"
    assert not query.notes
    assert not query.missing
    assert not query.semantic


@pytest.mark.parametrize(
    ("written", "stands"),
    [("holm", "Holm"), ("HOLM", "Holm"), ("Skery", "Skerry")],
    ids=["case", "capitals", "a slip"],
)
def test_values_are_spelled_as_in_the_records(written: str, stands: str) -> None:
    query = checked(f"SELECT name FROM boats WHERE harbour = '{written}'")
    assert f"harbour = '{stands}'" in query.sql
    assert query.notes


@pytest.mark.parametrize(
    ("question", "looked_up"),
    [("How many trips did the Gannet make?", True), ("How many trips did V-1001, the Gannet, make?", False)],
)
def test_a_code_that_nobody_said_is_looked_up_by_the_name_that_was(question: str, *, looked_up: bool) -> None:
    sql = "SELECT COUNT(*) FROM trips WHERE boat = 'V-1001'"
    query = check(sql, TABLES, question, values, REFERENCES, [Mention("boats", "name", "Gannet")])
    there = "SELECT COUNT(*) FROM trips WHERE boat IN (SELECT boats.code FROM boats WHERE boats.name = 'Gannet')"
    assert query.sql == (there if looked_up else sql)
    assert len(query.notes) == looked_up


def test_accents_do_not_matter() -> None:
    assert "'Émeraude'" in checked("SELECT built FROM boats WHERE name = 'Emeraude'").sql


def test_a_code_is_never_taken_for_another() -> None:
    query = checked("SELECT name FROM boats WHERE code = 'V-1003'")
    assert "'V-1003'" in query.sql
    assert query.missing == ("code = V-1003",)


def test_a_value_that_another_column_has_is_looked_for_there() -> None:
    sold = Table(
        "sold", "rows", 20, (column("group", values=["masks / gowns"]), column("kind", values=["Masks FFP3", "Gowns"]))
    )

    def known(_table: str, name: str, _text: str) -> list[str]:
        return [str(value) for each in sold.columns if each.name == name for value, _ in each.common]

    query = check("SELECT COUNT(*) FROM sold WHERE sold.\"group\" = 'masks ffp3'", [sold], "", known)
    assert query.sql == "SELECT COUNT(*) FROM sold WHERE sold.kind = 'Masks FFP3'"
    assert (query.missing, query.notes) == ((), ("kind for group, which has no 'masks ffp3'",))


def test_each_of_a_list_is_grounded() -> None:
    assert checked("SELECT name FROM boats WHERE harbour IN ('holm', 'SKERRY')").sql.endswith("IN ('Holm', 'Skerry')")


def test_a_near_name_of_a_column_or_table_is_put_right() -> None:
    assert checked("SELECT names FROM boat").sql == "SELECT name FROM boats"


def test_a_column_of_another_joined_table_gets_its_owner() -> None:
    query = checked("SELECT t.harbour FROM trips AS t JOIN boats AS b ON t.boat = b.code")
    assert query.sql.startswith("SELECT b.harbour")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT weight FROM boats",
        "SELECT name FROM sailors",
        "DELETE FROM boats",
        "DROP TABLE boats",
        "UPDATE boats SET name = 'x'",
        "SELECT 1; SELECT 2",
        "PRAGMA table_info(boats)",
        "ATTACH 'x' AS y",
        "how many boats are there?",
        "",
        "SELECT " + "(" * 500 + "1" + ")" * 500,
        "SELECT '" + "x" * 10_000 + "'",
    ],
)
def test_what_cannot_run_is_said(sql: str) -> None:
    with pytest.raises(BadProgram) as raised:
        checked(sql)
    assert str(raised.value)


@given(st.text(max_size=200))
def test_no_text_breaks_the_check(sql: str) -> None:
    with contextlib.suppress(BadProgram):
        checked(sql)


def test_one_number_of_the_question_is_one_condition() -> None:
    query = checked(
        "SELECT COUNT(*) FROM boats WHERE length > 7 AND votes > 7", "How many boats are of a length over 7 m?"
    )
    assert query.sql == "SELECT COUNT(*) FROM boats WHERE length > 7"
    assert any("votes" in note for note in query.notes)


def test_each_column_that_the_question_speaks_of_keeps_its_number() -> None:
    sql = "SELECT COUNT(*) FROM boats WHERE length > 7 AND votes > 7"
    assert checked(sql, "How many boats have over 7 votes and a length of more than 7 m?").sql == sql


def test_a_share_may_be_said_in_words() -> None:
    sql = "SELECT COUNT(*) FROM boats WHERE length > 0.5"
    assert checked(sql, "How many boats are more than half as long?").sql == sql


def test_two_bounds_of_one_column_both_stay() -> None:
    sql = "SELECT COUNT(*) FROM boats WHERE built >= '2001-01-01' AND built < '2002-01-01'"
    assert checked(sql, "How many were built in 2001?").sql == sql


@pytest.mark.parametrize(
    ("sql", "tried"),
    [
        ("SELECT name FROM boats ORDER BY length DESC LIMIT 1", "SELECT name, length FROM boats"),
        ("SELECT harbour FROM boats GROUP BY harbour ORDER BY COUNT(*) LIMIT 1", "SELECT harbour, COUNT(*) FROM boats"),
        ("SELECT length FROM boats ORDER BY length DESC LIMIT 1", "SELECT length FROM boats"),
        ("SELECT name, built FROM boats ORDER BY length LIMIT 1", "SELECT name, built FROM boats"),
        ("SELECT name FROM boats ORDER BY length", "SELECT name FROM boats"),
    ],
)
def test_what_ranks_the_first_rows_is_tried_with_them(sql: str, tried: str) -> None:
    query = checked(sql)
    assert query.tried.startswith(f"{tried} ")
    assert query.named.startswith(sql.partition(" FROM ")[0])


def test_what_is_not_given_is_no_group() -> None:
    query = checked("SELECT harbour FROM boats GROUP BY harbour ORDER BY COUNT(*) DESC LIMIT 1")
    assert "NOT harbour IS NULL" in query.sql


@pytest.mark.parametrize("key", ["STRFTIME('%Y', built)", "y"])
def test_nor_is_what_is_made_of_it(key: str) -> None:
    query = checked(f"SELECT STRFTIME('%Y', built) AS y FROM boats GROUP BY {key} ORDER BY COUNT(*) DESC LIMIT 1")
    assert "WHERE NOT STRFTIME('%Y', built) IS NULL" in query.sql


def test_what_is_not_given_is_not_the_least() -> None:
    assert "NOT length IS NULL" in checked("SELECT name FROM boats ORDER BY length LIMIT 1").sql


def test_the_rows_behind_a_count_have_places() -> None:
    assert checked("SELECT COUNT(*) FROM boats WHERE harbour = 'Holm'").places == (
        "SELECT boats._document, boats._start, boats._end, boats._place FROM boats WHERE harbour = 'Holm' LIMIT 20"
    )


def test_the_rows_behind_the_best_group_are_that_groups() -> None:
    places = checked("SELECT harbour FROM boats GROUP BY harbour ORDER BY COUNT(*) DESC LIMIT 1").places
    assert "harbour IN (SELECT harbour FROM boats" in places


def test_nor_are_those_behind_the_best_year_in_the_order_of_groups() -> None:
    year = "STRFTIME('%Y', built)"
    places = checked(f"SELECT {year} FROM boats GROUP BY {year} ORDER BY COUNT(*) DESC LIMIT 1").places
    assert f"{year} IN (SELECT {year} FROM boats" in places
    several = checked(f"SELECT {year}, harbour FROM boats GROUP BY {year}, harbour ORDER BY COUNT(*) DESC LIMIT 1")
    assert "ORDER BY" not in several.places


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT COUNT(*) FROM boats WHERE judge(name, 'a bird?')", "FROM boats WHERE JUDGE(name, 'a bird?') LIMIT 20"),
        (
            "SELECT classify(name, 'a', 'b') AS kind, COUNT(*) FROM boats GROUP BY kind ORDER BY kind",
            "FROM boats LIMIT 20",
        ),
        ("SELECT answer(name, 'Who?') FROM boats", ""),
    ],
)
def test_rows_that_a_model_is_asked_about_have_places_and_documents_what_is_read(sql: str, rows: str) -> None:
    places = checked(sql).places
    assert places.endswith(rows) if rows else not places


@pytest.mark.parametrize(
    ("sql", "truth"),
    [
        ("SELECT EXISTS (SELECT 1 FROM boats WHERE harbour = 'Holm')", True),
        ("SELECT COUNT(*) > 3 FROM boats", True),
        ("SELECT COUNT(*) FROM boats", False),
        ("SELECT name FROM boats", False),
    ],
)
def test_a_question_whether_is_told(sql: str, *, truth: bool) -> None:
    assert checked(sql).truth is truth


def test_a_query_that_asks_a_model_is_told() -> None:
    assert checked("SELECT COUNT(*) FROM boats WHERE judge(name, 'Is it a bird?')").semantic


def test_count_alone_is_a_count_of_rows() -> None:
    query = checked("SELECT harbour FROM boats GROUP BY harbour ORDER BY count DESC LIMIT 1")
    assert "ORDER BY COUNT(*) DESC" in query.sql


def test_a_table_that_is_not_asked_is_said_to_be_missing() -> None:
    with pytest.raises(BadProgram, match="trips is not in FROM"):
        checked("SELECT name FROM boats WHERE trips.people > 3")


def test_a_column_of_another_table_is_said_to_be_there() -> None:
    with pytest.raises(BadProgram, match="it is a column of trips"):
        checked("SELECT name, people FROM boats")


def test_a_pattern_without_marks_means_that_the_text_holds_it() -> None:
    assert "LIKE '%light%'" in checked("SELECT code FROM boats WHERE name LIKE 'light'").sql


def test_the_dots_of_the_card_are_no_part_of_a_pattern() -> None:
    assert "LIKE 'Win%'" in checked("SELECT code FROM boats WHERE name LIKE 'Win...'").sql


def test_a_word_that_no_free_text_is_means_those_that_hold_it() -> None:
    query = checked("SELECT code FROM boats WHERE name = 'light'")
    assert "name LIKE '%light%'" in query.sql
    assert query.notes


@pytest.mark.parametrize(
    ("written", "runs"),
    [
        ("FINAL(SELECT COUNT(*) FROM boats)", "SELECT COUNT(*) FROM boats"),
        ("FINAL((SELECT COUNT(*) FROM boats))", "SELECT (SELECT COUNT(*) FROM boats)"),
    ],
)
def test_the_end_of_a_python_program_around_a_query_falls(written: str, runs: str) -> None:
    assert checked(written).sql == runs


def test_what_is_made_on_the_way_has_no_places() -> None:
    query = checked("SELECT strftime('%Y', built) AS y, COUNT(*) AS n FROM boats GROUP BY y ORDER BY n DESC LIMIT 1")
    assert not query.places


def test_extract_is_the_call_that_it_looks_like() -> None:
    query = checked("SELECT extract(boats.name, 'the colour') FROM boats")
    assert query.semantic
    assert "FROM 'the colour'" not in query.sql


@pytest.mark.parametrize("column", ["harbour", "trips.harbour", "boats.harbour"])
def test_the_one_table_that_has_a_column_is_joined(column: str) -> None:
    query = checked(f"SELECT {column}, SUM(people) FROM trips GROUP BY {column}")
    assert query.sql.startswith(
        "SELECT boats.harbour, SUM(trips.people) FROM trips LEFT JOIN boats ON trips.boat = boats.code"
    )
    assert "joined boats, which has harbour" in query.notes


def test_rows_are_of_the_table_that_has_all_columns() -> None:
    query = checked("SELECT COUNT(DISTINCT trips.harbour) FROM trips WHERE length > 20", "How many are over 20?")
    assert query.sql.startswith("SELECT COUNT(DISTINCT boats.harbour) FROM boats WHERE length > 20")
    assert any(note.startswith("boats for trips") for note in query.notes)


def test_rows_are_of_the_table_that_the_question_names() -> None:
    query = checked("SELECT COUNT(*) FROM trips WHERE harbour = 'Holm'", "How many trips are of boats of Holm?")
    assert query.sql.startswith("SELECT COUNT(*) FROM trips LEFT JOIN boats")


def test_a_table_that_has_several_rows_for_each_is_not_joined() -> None:
    with pytest.raises(BadProgram, match="no column people in boats"):
        checked("SELECT SUM(people), name FROM boats")


def test_the_one_year_of_a_question_is_that_of_the_rows() -> None:
    asked = "How many boats of Holm were built in 1990?"
    query = checked("SELECT COUNT(*) FROM boats WHERE harbour = 'Holm'", asked)
    assert query.sql.endswith("AND boats.built >= '1990-01-01' AND boats.built < '1991-01-01'")
    assert checked("SELECT COUNT(*) FROM boats WHERE built > '1990-01-01'", asked).sql.count("1990") == 1
    assert "1990" not in checked("SELECT SUM(people) FROM trips", asked).sql
