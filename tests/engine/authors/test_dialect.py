"""What models write otherwise than SQLite takes it means what people mean."""

import pytest

from rlm_local.collection import Table
from rlm_local.engine.authors.query import check

from .harbour import column

CALLS = Table(
    "calls",
    "rows",
    100,
    (
        column("at", "time", ["2022-01-03 06:10:00", "2023-12-30 21:45:00"]),
        column("clock", "time", ["06:10:00", "21:45:00"]),
        column("tick", "time", ["2022-01-03 06:10:00.120", "2023-12-30 21:45:00.978"]),
        column("paid", "date", ["2022-01-03", "2023-12-30"]),
        column("due", "date", ["2022-02-03", "2024-01-30"]),
        column("amount", "number", [1, 9]),
    ),
)


def no_values(_table: str, _column: str, _text: str) -> list[str]:
    return []


def condition(written: str) -> str:
    sql = check(f"SELECT amount FROM calls WHERE {written}", [CALLS], "", no_values).sql
    return sql.partition(" WHERE ")[2]


@pytest.mark.parametrize(
    ("written", "runs"),
    [
        ("YEAR(paid) = 2023", "CAST(STRFTIME('%Y', paid) AS INTEGER) = 2023"),
        ("EXTRACT(MONTH FROM paid) = 5", "CAST(STRFTIME('%m', paid) AS INTEGER) = 5"),
        ("strftime('%Y', paid) = 2023", "CAST(STRFTIME('%Y', paid) AS INTEGER) = 2023"),
        ("strftime('%m', paid) = '05'", "CAST(STRFTIME('%m', paid) AS INTEGER) = 5"),
        ("amount / 2 > 1", "1.0 * (amount) / 2 > 1"),
        ("due - paid > 30", "JULIANDAY(due) - JULIANDAY(paid) > 30"),
        ("at <= '2023-06-30'", "at <= '2023-06-30 23:59:59.999'"),
        ("at < '2023-06-30'", "at < '2023-06-30'"),
        ("at BETWEEN '2023-06-01' AND '2023-06-30'", "at BETWEEN '2023-06-01' AND '2023-06-30 23:59:59.999'"),
        ("at = '2023-06-30'", "at LIKE '2023-06-30%'"),
        ("'2023-06-30' = at", "at LIKE '2023-06-30%'"),
        ("clock >= '2023-01-01 09:00:00'", "clock >= '09:00:00'"),
        ("clock = '09:00'", "clock LIKE '09:00%'"),
        ("at <= '2023-06-30T09:00'", "at <= '2023-06-30 09:00:59.999'"),
        ("at <= '2023-06-30 09:00:00'", "at <= '2023-06-30 09:00:00'"),
        ("tick <= '2023-06-30 09:00:00'", "tick <= '2023-06-30 09:00:00.999'"),
        ("tick >= '2023-06-30 09:00:00'", "tick >= '2023-06-30 09:00:00'"),
        ("paid <= '2023-06-30 23:59:59'", "paid <= '2023-06-30'"),
        ("paid <= '2023-06-30'", "paid <= '2023-06-30'"),
    ],
)
def test_dates_and_division(written: str, runs: str) -> None:
    assert condition(written) == runs
