"""`sql`, as ordinary Python over a database of the test's own, and in the sandbox."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.engine.toolbox import hand_over
from rlm_local.toolbox import SqlError, database
from rlm_local.toolbox.database import Database
from rlm_sandbox import Image, Session

Ask = Callable[..., Any]


def _fill(path: Path) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE loans (_id INTEGER PRIMARY KEY, member TEXT, branch TEXT, fine REAL, "out" TEXT);
        INSERT INTO loans (member, branch, fine, "out") VALUES
            ('Tove Lindqvist', 'Harbour', 2.5, '2021-01-04'), ('Émile Ö', 'Évora', NULL, '2021-03-31'),
            ('Ada', 'Harbour', 0, '2022-12-30 09:15:00'), (NULL, 'Hillside', 4.5, NULL);
        CREATE TABLE _hidden (x);
        CREATE VIRTUAL TABLE search USING fts5 (text, content='', tokenize = 'porter unicode61 remove_diacritics 2');
        INSERT INTO search (rowid, text) VALUES (1, 'the boats are rowing home'), (2, 'a row of cafés'), (3, 'nothing');
        """
    )
    connection.commit()
    connection.close()
    return path


def _no_call(name: str, **_arguments: Any) -> Any:
    raise AssertionError(f"the host is called: {name}")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _fill(tmp_path_factory.mktemp("collection") / "some.db")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def sql(path: Path, said: list[str]) -> Ask:
    return Database(str(path), _no_call, said.append).sql


def test_values_are_had_by_name_place_and_key(sql: Ask) -> None:
    rows = sql("SELECT branch, COUNT(*) AS count, SUM(fine) FROM loans GROUP BY branch ORDER BY count DESC, branch")
    assert rows.columns == ("branch", "count", "SUM(fine)")
    first = rows[0]
    assert (first.branch, first.Branch, first["BRANCH"], first[0], first.get("branch")) == ("Harbour",) * 5
    assert (first.count, first["sum(fine)"], first.get("no", 7)) == (2, 2.5, 7)
    branch, count, fine = first
    assert (branch, count, fine, first == ("Harbour", 2, 2.5)) == ("Harbour", 2, 2.5, True)
    assert first.items() == [("branch", "Harbour"), ("count", 2), ("SUM(fine)", 2.5)]
    assert repr(first) == "(branch='Harbour', count=2, SUM(fine)=2.5)"
    assert rows.column("sum(fine)") == [2.5, 4.5]


def test_a_column_that_is_not_there_is_told_with_those_that_are(sql: Ask) -> None:
    (row,) = sql("SELECT 1 AS one, 2 AS 'two words'")
    with pytest.raises(AttributeError, match=r"no column 'three'; there are: two words, one"):
        _ = row.three
    with pytest.raises(KeyError, match="there are: two words, one"):
        _ = row["three"]


def test_hostile_names_of_columns_are_only_names(sql: Ask) -> None:
    (row,) = sql('SELECT 1 AS __class__, 2 AS __slots__, 3 AS a, 4 AS A, 5 AS "", 6 AS "keys", 7 AS columns_')
    assert (row["__class__"], row.a, row[3], row[""], row["keys"], tuple(row)) == (1, 3, 4, 5, 6, (1, 2, 3, 4, 5, 6, 7))


def test_rows_with_missing_values_can_be_sorted(sql: Ask) -> None:
    rows = sql("SELECT fine, member FROM loans")
    assert [row.fine for row in sorted(rows)] == [None, 0, 2.5, 4.5]
    assert [row.fine for row in sorted(rows, reverse=True)] == [4.5, 2.5, 0, None]


@given(st.lists(st.tuples(*[st.none() | st.integers(-9, 9) | st.text(max_size=2) | st.floats(-9, 9)] * 2), max_size=8))
def test_rows_sort_as_sqlite_does(pairs: list[tuple[Any, Any]]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a, b)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", pairs)
    ordered = [*connection.execute("SELECT a, b FROM t ORDER BY a, b")]
    connection.close()
    make = database.row_type(("a", "b"))
    assert [tuple(row) for row in sorted(map(make, pairs))] == ordered


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT COUNT(*) FROM loans WHERE member REGEXP '^t.*qvist$'", 1),
        ("SELECT COUNT(*) FROM loans WHERE branch LIKE 'é%'", 1),
        ("SELECT lower(branch) FROM loans WHERE lower(branch) = 'évora'", "évora"),
        ("SELECT upper('straße') || 'ü'", "STRASSEü"),
        ("SELECT 'ä%' LIKE 'Äx%' ESCAPE 'x'", 1),
        ("SELECT 'äb' LIKE 'Äx%' ESCAPE 'x'", 0),
        (
            "SELECT year(\"out\") || '/' || month(\"out\") || '/' || day(\"out\") FROM loans WHERE member = 'Ada'",
            "2022/12/30",
        ),
        ('SELECT COUNT(year("out")) FROM loans', 3),
        ("SELECT datediff('2024-03-01', '2024-02-01 10:00')", 29),
        ("SELECT concat('a', NULL, 1)", "a1"),
        ("SELECT if(1 > 2, 'more', 'less')", "less"),
        ("SELECT median(fine) FROM loans", 2.5),
        ("SELECT round(stddev(fine), 4) FROM loans", 2.2546),
        ("SELECT variance(fine) FROM loans WHERE member = 'Ada'", None),
        ("SELECT median(member) FROM loans", None),
        ("SELECT ?1 + ?2", 3),
        ("SELECT group_concat(rowid) FROM search WHERE search MATCH 'rows'", "1,2"),
        ("SELECT group_concat(rowid) FROM search('cafe OR nothing')", "2,3"),
        ("WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100) SELECT SUM(x) FROM c", 5050),
        ("VALUES (7)", 7),
        ("SELECT 7;", 7),
    ],
)
def test_a_query_comes_to(sql: Ask, query: str, value: Any) -> None:
    assert [tuple(row) for row in sql(query, (1, 2) if "?" in query else ())] == [(value,)]


def test_parameters_have_names_too(sql: Ask) -> None:
    assert sql("SELECT fine FROM loans WHERE branch = :where", {"where": "Évora"})[0].fine is None


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT * FROM loan", "no such table: loan; there are: loans, search"),
        ("SELECT fines FROM loans", "no such column: fines"),
        ("SELECT", "incomplete input"),
        ("", "there is no query"),
        ("-- nothing", "there is no query"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("DELETE FROM loans", "not authorized: this database can only be read, with SELECT"),
        ("SELECT ?", "bindings"),
        ("SELECT 'x' REGEXP '('", "missing ), unterminated subpattern"),
        ("SELECT '\ud800'", "surrogates not allowed"),
        ("SELECT 1\0", "null character"),
    ],
)
def test_what_is_wrong_is_told_in_words(sql: Ask, query: str, told: str) -> None:
    with pytest.raises(SqlError) as raised:
        sql(query)
    assert told in str(raised.value)
    assert sql("SELECT 6 * 7")[0][0] == 42


def test_more_rows_than_a_result_may_have_are_said(sql: Ask, said: list[str]) -> None:
    count = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT {}) SELECT x FROM c"
    rows = sql(count.format(10_000))
    assert (len(rows), rows.more, said) == (10_000, False, [])
    rows = sql(count.format(10_001))
    assert (len(rows), rows.more, rows[-1].x) == (10_000, True, 10_000)
    assert said == ["[sql: only the first 10,000 rows; count, group or limit in the query instead]"]


def test_texts_are_bounded_over_a_whole_result(sql: Ask, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MOST_CHARACTERS", 100)
    rows = sql(
        "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT hex(zeroblob(20)) FROM c LIMIT 9"
    )
    assert (len(rows), rows.more, len(said)) == (2, True, 1)


def test_a_query_that_takes_too_many_steps_is_stopped(sql: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MOST_STEPS", 1_000_000)
    with pytest.raises(SqlError, match="stopped after 1,000,000 steps"):
        sql("WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c")


def test_an_interrupt_inside_a_function_of_ours_is_an_interrupt(sql: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_text: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("rlm_local.toolbox.functions._pattern", stop)
    with pytest.raises(KeyboardInterrupt):
        sql("SELECT 'a' REGEXP 'b'")


def test_the_sandbox_has_it(image: Image, path: Path) -> None:
    with Session(image) as session:
        hand_over(session, path)
        assert session.run("[r.member for r in sql('SELECT * FROM loans WHERE branch = ?', ['Harbour'])]").output == (
            "['Tove Lindqvist', 'Ada']\n"
        )
        assert (
            session.run("sql(\"SELECT rowid FROM search('row') ORDER BY rank\")").output == "[(rowid=2), (rowid=1)]\n"
        )
        assert "SqlError: no such table: x; there are: loans, search" in (
            session.run("sql('SELECT * FROM x')").error or ""
        )


def test_lists_are_taken_apart(sql: Ask) -> None:
    assert [row[0] for row in sql("""SELECT value FROM json_each('["a","b"]')""")] == ["a", "b"]
