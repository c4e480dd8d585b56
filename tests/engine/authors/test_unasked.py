"""Conditions that nothing in the question asks for are taken out, told by their numbers."""

import pytest

from rlm_local.collection import Table
from rlm_local.engine.authors.query import check

from .harbour import TABLES, column, values


@pytest.mark.parametrize(
    ("question", "condition"),
    [
        ("How many boats are longer than 7 m?", "length > 7"),
        ("How many boats are longer than seven metres?", "length > 7"),
        ("How many boats got more than 1,200 votes?", "votes > 1200"),
        ("How many boats got over 1.2 thousand votes?", "votes > 1200"),
        ("How many boats lay here for over 2 hours?", "votes > 120"),
        ("Wie viele Boote sind l\u00e4nger als 7,5 m?", "length > 7.5"),
        ("Which boats were built in 2001?", "built >= '2001-01-01'"),
    ],
)
def test_what_the_question_says_stays(question: str, condition: str) -> None:
    sql = f"SELECT COUNT(*) FROM boats WHERE {condition}"
    assert check(sql, TABLES, question, values).sql == sql


def test_a_code_that_the_column_has_may_be_what_the_question_says_in_words() -> None:
    visits = Table("visits", "lines", 90, (column("page"), column("status", "number", [200, 404, 500], distinct=3)))
    for code, kept in ((404, True), (418, False)):
        sql = check(f"SELECT COUNT(*) FROM visits WHERE status = {code}", [visits], "How many were lost?", values).sql
        assert (str(code) in sql) is kept


@pytest.mark.parametrize("invented", ["votes >= 130", "length > 42 AND votes > 0", "length = 31.5"])
def test_numbers_that_nobody_said_fall(invented: str) -> None:
    sql = f"SELECT COUNT(*) FROM boats WHERE harbour = 'Holm' AND {invented}"
    query = check(sql, TABLES, "How many boats of Holm are longer than 7 m?", values)
    assert "130" not in query.sql
    assert "42" not in query.sql
    assert "31.5" not in query.sql
    assert query.notes


@pytest.mark.parametrize(
    ("question", "like"),
    [("How many errors were there on 5 December 2005?", True), ("What was logged at 19:15:57 on 5 December?", False)],
)
def test_a_time_of_day_stays_where_the_question_gives_one(question: str, *, like: bool) -> None:
    log = Table("log", "lines", 90, (column("at", "time", ["2005-12-04 04:47:44", "2005-12-05 19:15:57"]),))
    sql = check("SELECT COUNT(*) FROM log WHERE at = '2005-12-05 19:15:57'", [log], question, values).sql
    assert ("19:15:57" in sql, "2005-12-05" in sql) == (not like, True)
