"""Queries that cannot say what was asked are told so."""

import pytest

from rlm_local.engine.authors.errors import BadProgram
from rlm_local.engine.authors.query import check

from .harbour import TABLES, values


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT name FROM boats ORDER BY COUNT(*) DESC LIMIT 1", "COUNT(*) is always 1"),
        ("SELECT code FROM boats GROUP BY code HAVING COUNT(*) > 3", "COUNT(*) is always 1"),
        ("SELECT COUNT(DISTINCT harbour) FROM boats WHERE harbour = 'Holm'", "there is only one"),
        ("SELECT COUNT(DISTINCT harbour) FROM boats WHERE votes > 3 AND 'Holm' = harbour", "there is only one"),
        ("SELECT AVG(length) FROM boats WHERE harbour IN ('Holm', 'Skerry')", "GROUP BY harbour"),
        (
            "SELECT AVG(length) FROM boats WHERE (harbour = 'Holm' OR harbour = 'Skerry') AND votes > 3",
            "GROUP BY harbour",
        ),
        ("SELECT harbour FROM boats GROUP BY harbour ORDER BY votes DESC LIMIT 1", "ORDER BY SUM(votes)"),
    ],
)
def test_what_says_nothing_is_refused_with_a_way_out(sql: str, said: str) -> None:
    with pytest.raises(BadProgram) as raised:
        check(sql, TABLES, "How many are there over 3?", values)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM boats JOIN trips ON boat = code GROUP BY name ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT harbour FROM boats GROUP BY harbour ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT code FROM boats GROUP BY code ORDER BY votes DESC LIMIT 1",
        "SELECT votes FROM boats GROUP BY votes ORDER BY votes DESC LIMIT 1",
        "SELECT COUNT(DISTINCT name) FROM boats WHERE harbour = 'Holm'",
        "SELECT COUNT(*) FROM boats WHERE harbour IN ('Holm', 'Skerry')",
        "SELECT harbour, AVG(length) FROM boats WHERE harbour IN ('Holm', 'Skerry') GROUP BY harbour",
        "SELECT AVG(length) FROM boats WHERE harbour = 'Holm' OR votes > 3",
    ],
)
def test_what_says_something_stays(sql: str) -> None:
    assert check(sql, TABLES, "How many are there over 3?", values).sql
