"""Codes in a result stand with the names that the records have for them."""

import sqlite3

import pytest

from rlm_local.collection import Column, Reference, Table
from rlm_local.engine.authors.query import check

from .harbour import REFERENCES, TABLES, column, values

NAMED = (
    "COALESCE((SELECT named.name FROM boats AS named WHERE named.code = trips.boat)"
    " || ' (' || trips.boat || ')', trips.boat) AS \"boat\""
)
CODE = column("isle_code", "number", [11, 12, 13])
ISLANDS = Table("islands", "rows", 3, (CODE, column("name", "text", ["Holm", "Skerry", "Norland"])))
BIRDS = Table("birds", "rows", 40, (CODE, column("seen", "number", [11, 12, 13])))
ISLES = tuple(Reference("birds", name, "islands", "isle_code", 1.0) for name in ("isle_code", "seen"))


def named(sql: str, tables: tuple[Table, ...] = TABLES, references: tuple[Reference, ...] = REFERENCES) -> str:
    return check(sql, tables, "", values, references).named


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT boat FROM trips WHERE people > 90",
        "SELECT boat, COUNT(*) AS n FROM trips WHERE NOT boat IS NULL GROUP BY boat ORDER BY n DESC LIMIT 3",
        "SELECT DISTINCT boat FROM trips WHERE NOT boat IS NULL",
    ],
)
def test_a_code_that_refers_to_a_table_stands_after_its_name(sql: str) -> None:
    query = check(sql, TABLES, "more than 90 people", values, REFERENCES)
    assert query.named == query.sql.replace("boat", NAMED, 1)


def test_the_key_that_others_refer_to_is_named_too() -> None:
    assert named("SELECT code FROM boats AS b ORDER BY votes DESC LIMIT 1").startswith(
        "SELECT COALESCE((SELECT named.name FROM boats AS named WHERE named.code = b.code)"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name, code FROM boats",
        "SELECT COUNT(boat) FROM trips",
        "SELECT people FROM trips",
        "SELECT length FROM boats WHERE name = 'Gannet'",
        "SELECT boat FROM trips WHERE people > 9 UNION SELECT code FROM boats",
    ],
    ids=["named already", "a count", "a number", "a measure", "two queries"],
)
def test_what_needs_no_name_stays(sql: str) -> None:
    query = check(sql, TABLES, "more than 9 people", values, REFERENCES)
    assert query.named == query.sql


def test_a_number_is_a_code_where_its_name_says_so() -> None:
    """Counts of few things stand in many a key by chance."""
    tables, references = (BIRDS, ISLANDS), ISLES
    assert "islands AS named" in named("SELECT isle_code FROM birds", tables, references)
    assert "islands" not in named("SELECT seen FROM birds", tables, references)


def test_large_tables_are_not_gone_through_for_names() -> None:
    boats, trips = TABLES
    many = Table("trips", "rows", 10**8, trips.columns)
    assert "named" not in named("SELECT boat FROM trips WHERE people > 90", (boats, many))
    assert "named" in named("SELECT boat FROM trips GROUP BY boat", (boats, many))


def test_it_runs_and_codes_without_a_name_stay() -> None:
    database = sqlite3.connect(":memory:")
    database.executescript(
        "CREATE TABLE boats(name, code, harbour, length, votes, built); CREATE TABLE trips(boat, people);"
        "INSERT INTO boats VALUES ('Gannet', 'V-1001', 'Holm', 1, 2, '1990-01-01');"
        "INSERT INTO trips VALUES ('V-1001', 9), ('V-1009', 8), (NULL, 3);"
    )
    rows = database.execute(named("SELECT boat FROM trips ORDER BY people DESC")).fetchall()
    assert rows == [("Gannet (V-1001)",), ("V-1009",), (None,)]


def test_a_column_that_has_no_values_names_nothing() -> None:
    empty = Column("name", "name", "text", "", 0, 0, None, None, [])
    table = Table("islands", "rows", 3, (ISLANDS.columns[0], empty))
    assert "named" not in named("SELECT isle_code FROM birds", (BIRDS, table), ISLES[:1])
