"""Which queries gather the texts of semantic calls."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import parse_one

from rlm_local.engine.semantic import Dialect, Unfit, prepare

_Q = "judge(text, 'q')"


def _gathered(query: str) -> list[str]:
    prepared = prepare(query)
    assert prepared is not None
    assert prepared.query == query
    return [gather.query for gather in prepared.gathers]


@pytest.mark.parametrize(
    ("query", "gathers"),
    [
        (f"SELECT name FROM notes WHERE {_Q} AND year > 3", ["SELECT DISTINCT text FROM notes WHERE year > 3"]),
        (f"SELECT name FROM notes WHERE (year > 3 AND ({_Q}))", ["SELECT DISTINCT text FROM notes WHERE year > 3"]),
        (f"SELECT name FROM notes WHERE {_Q} OR year > 3", ["SELECT DISTINCT text FROM notes"]),
        (
            "SELECT extract(n.text, 'c') FROM t n WHERE judge(n.text, 'a') AND judge(n.title, 'b') AND n.x = 3",
            [
                "SELECT DISTINCT n.text FROM t AS n WHERE n.x = 3",
                "SELECT DISTINCT n.title FROM t AS n WHERE n.x = 3 AND judge(n.text, 'a')",
                "SELECT DISTINCT n.text FROM t AS n WHERE n.x = 3 AND judge(n.text, 'a') AND judge(n.title, 'b')",
            ],
        ),
        (
            "SELECT p.text FROM search('row home') JOIN p ON p.id = search.rowid WHERE judge(p.text, 'q')",
            ["SELECT DISTINCT p.text FROM search('row home') JOIN p ON p.id = search.rowid"],
        ),
        (
            "SELECT extract(b, 'it') FROM t ORDER BY a LIMIT 5",
            ["SELECT DISTINCT _text FROM (SELECT extract(b, 'it'), b AS _text FROM t ORDER BY a LIMIT 5) AS _rows"],
        ),
        ("SELECT name FROM notes ORDER BY judge(text, 'q') LIMIT 5", ["SELECT DISTINCT text FROM notes"]),
        (
            "WITH z AS (SELECT 1), a AS (SELECT classify(text, 'x', 'y') AS c FROM z, notes) SELECT c, COUNT(*) FROM a",
            ["WITH z AS (SELECT 1) SELECT DISTINCT text FROM z CROSS JOIN notes"],
        ),
        (
            f"WITH a AS (SELECT * FROM notes) SELECT * FROM a WHERE id IN (SELECT id FROM a WHERE {_Q})",
            ["WITH a AS (SELECT * FROM notes) SELECT DISTINCT text FROM a"],
        ),
        (
            "SELECT 1 FROM t a JOIN t b ON classify(a.text, 'x,y') = classify(b.text, 'x,y') WHERE a.n = 3",
            ["SELECT DISTINCT a.text FROM t AS a WHERE a.n = 3", "SELECT DISTINCT b.text FROM t AS b"],
        ),
        (
            "SELECT a.id FROM notes a LEFT JOIN marks b ON judge(b.text, 'q') AND b.id = a.id WHERE judge(a.text, 'q')",
            [
                "SELECT DISTINCT b.text FROM notes AS a LEFT JOIN marks AS b ON b.id = a.id",
                "SELECT DISTINCT a.text FROM notes AS a LEFT JOIN marks AS b ON b.id = a.id",
            ],
        ),
        (
            f"SELECT name FROM notes WHERE {_Q} UNION SELECT name FROM marks WHERE {_Q}",
            ["SELECT DISTINCT text FROM notes", "SELECT DISTINCT text FROM marks"],
        ),
        ("SELECT judge(title || ': ' || text, 'q') FROM notes", ["SELECT DISTINCT title || ': ' || text FROM notes"]),
        (
            'SELECT "group" FROM "select" WHERE Judge("my ""text""", \'q\')',
            ['SELECT DISTINCT "my ""text""" FROM "select"'],
        ),
    ],
)
def test_texts_are_gathered_plain_conditions_first(query: str, gathers: list[str]) -> None:
    assert _gathered(query) == gathers


@pytest.mark.parametrize(
    ("query", "y", "weight", "result"),
    [
        (
            f"SELECT COUNT(*) FROM notes WHERE {_Q} AND year = 3",
            "CASE WHEN judge(text, 'q') THEN 1 ELSE 0 END",
            "NULL",
            'SELECT :estimate AS "COUNT(*)"',
        ),
        (
            f"SELECT 100.0 * SUM({_Q}) / COUNT(*) AS share FROM notes WHERE year = 3",
            "judge(text, 'q')",
            "NULL",
            "SELECT 100.0 * :estimate / :rows AS share",
        ),
        (
            f"SELECT SUM(price) AS cost FROM notes WHERE NOT {_Q} AND year = 3",
            "CASE WHEN NOT judge(text, 'q') THEN price ELSE 0 END",
            "price",
            "SELECT :estimate AS cost",
        ),
        (
            f"SELECT ROUND(AVG(price), 2) AS mean FROM notes WHERE {_Q} AND year = 3",
            "CASE WHEN judge(text, 'q') THEN price END",
            "NULL",
            "SELECT ROUND(:estimate, 2) AS mean",
        ),
    ],
)
def test_one_number_over_many_rows_can_be_estimated(query: str, y: str, weight: str, result: str) -> None:
    prepared = prepare(query)
    assert prepared is not None
    assert prepared.aggregate is not None
    assert prepared.aggregate.rows == f"SELECT {y}, {weight}, text FROM notes WHERE year = 3"
    assert prepared.aggregate.result == result
    assert not prepared.partial


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT COUNT(DISTINCT name) FROM notes WHERE {_Q}",
        f"SELECT MAX(price) FROM notes WHERE {_Q}",
        f"SELECT name, COUNT(*) FROM notes WHERE {_Q} GROUP BY name",
        f"SELECT COUNT(*), SUM(price) FROM notes WHERE {_Q}",
        f"SELECT COUNT(*) + year FROM notes WHERE {_Q}",
        f"SELECT COUNT(*) FROM (SELECT * FROM notes WHERE {_Q})",
        f"SELECT median(price) FROM notes WHERE {_Q}",
    ],
)
def test_other_numbers_are_neither_estimated_nor_made_of_a_part(query: str) -> None:
    prepared = prepare(query)
    assert prepared is not None
    assert (prepared.aggregate, prepared.partial) == (None, False)


def test_a_list_may_be_looked_through_in_part() -> None:
    prepared = prepare(f"SELECT name, year FROM notes WHERE {_Q} ORDER BY year")
    assert prepared is not None
    assert prepared.partial


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT judge(text) FROM notes", "takes a text and what to ask"),
        ("SELECT judge() FROM notes", "takes a text and what to ask"),
        ("SELECT judge(text, name) FROM notes", "takes plain literals in quotes, not name"),
        ("SELECT judge(text, 'a' || 'b') FROM notes", "takes plain literals"),
        ("SELECT judge(text, 'a', 'b') FROM notes", "one text and one question"),
        ("SELECT classify(text, 'a') FROM notes", "two labels or more"),
        ("SELECT judge(extract(text, 'a'), 'b') FROM notes", "an expression over columns of the row"),
        ("SELECT judge(MAX(text), 'b') FROM notes", "an expression over columns of the row"),
        ("SELECT judge((SELECT text FROM notes), 'b')", "an expression over columns of the row"),
        (f"SELECT judge(text, '{'q' * 600}') FROM notes", "1 to 500 characters"),
        ("SELECT judge(text, ' ') FROM notes", "1 to 500 characters"),
        ("SELECT classify(text, 'a', 'a') FROM notes", "different texts"),
        (f"SELECT classify(text, '{','.join(map(str, range(101)))}') FROM notes", "100 at most"),
        (f"SELECT {', '.join([_Q] * 21)} FROM notes", "may have 20 semantic calls"),
        ("DELETE FROM notes WHERE judge(text, 'b')", "may stand in a SELECT"),
        ("SELECT 1 UNION SELECT 2 ORDER BY judge(text, 'b')", "may not order a UNION"),
        (
            "WITH RECURSIVE c AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM c WHERE judge(x, 'b')) SELECT * FROM c",
            "recursive",
        ),
    ],
)
def test_what_cannot_be_gathered_for_is_refused_in_words(query: str, told: str) -> None:
    with pytest.raises(Unfit, match=told):
        prepare(query)


@pytest.mark.parametrize(
    "query", ["SELECT 1", "SELECT 'judge(text, 1)'", "SELECT FROM WHERE judge(", "", ";", "\0judge("]
)
def test_other_queries_are_left_as_they_are(query: str) -> None:
    assert prepare(query) is None


@pytest.mark.parametrize("query", ["(" * 3000 + "judge(a, 'b')", "SELECT " + "NOT " * 9000 + "judge(a, 'b')"])
def test_deep_queries_are_refused(query: str) -> None:
    with pytest.raises(Unfit, match=r"deep|may have"):
        prepare(query)


@pytest.mark.parametrize("call", ["extract(text, 'it')", "judge(text, 'q')", "IIF(a, 1, 2)", "search('row home')"])
def test_a_query_is_written_as_it_was_parsed(call: str) -> None:
    query = f"SELECT {call} FROM notes"
    assert parse_one(query, dialect=Dialect).sql(dialect=Dialect, normalize_functions=False) == query


def test_long_queries_are_refused() -> None:
    with pytest.raises(Unfit, match="may have"):
        prepare(f"SELECT {_Q}" + " " * 60_000)


_PIECES = st.sampled_from(
    "SELECT FROM WHERE AND OR NOT ( ) , . * = < judge( classify( extract( answer( text name notes n 'q' 'a' 1 NULL "
    "COUNT(*) SUM( AVG( JOIN LEFT ON AS WITH RECURSIVE UNION ALL GROUP BY HAVING ORDER LIMIT IN EXISTS CASE WHEN THEN "
    'END DISTINCT OVER -- /* " ` [ ; MATCH LIKE ESCAPE BETWEEN IS'.split()
)


@given(st.lists(_PIECES, max_size=25))
def test_any_mix_of_words_is_prepared_left_or_refused(pieces: list[Any]) -> None:
    query = f"SELECT judge(text, 'q') {' '.join(pieces)}"
    try:
        prepared = prepare(query)
    except Unfit:
        return
    assert prepared is None or prepared.gathers
