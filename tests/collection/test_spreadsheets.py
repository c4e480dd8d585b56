"""Spreadsheets as tables: the same rows and types as a person reads by hand out of the same file."""

import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_local.collection import Collection
from rlm_local.home import Home

_HEADER = ("Order No", "Customer", "Date", "Amount", "Paid", "Pieces")
_LETTERS = st.text("abcdefghijklmnop", min_size=4, max_size=9)
_ROW = st.tuples(
    _LETTERS.map(str.title),
    st.dates(datetime.date(1950, 1, 1), datetime.date(2060, 12, 31)),
    st.integers(-10_000_000, 10_000_000).map(lambda cents: cents / 100),
    st.booleans(),
    st.integers(1, 1_000_000),
)


def made(path: Path, rows: list[tuple[object, ...]], titles: int, blank: int) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Orders"
    for number in range(titles):
        sheet.append([f"Report of the orders, part {number}"])
    for _ in range(blank):
        sheet.append([])
    sheet.append(_HEADER)
    for row in rows:
        sheet.append(row)
    sheet.append(["Total", None, None, sum(float(str(row[3])) for row in rows), None, None])
    book.create_sheet("Remarks").append(["Nothing else."])
    book.save(path)


def by_hand(path: Path, first: int, count: int) -> list[tuple[object, ...]]:
    """The records as openpyxl gives them, as the collection writes them."""
    sheet = openpyxl.load_workbook(path)["Orders"]
    rows = sheet.iter_rows(min_row=first, max_row=first + count - 1, values_only=True)
    return [
        (order, customer, day.date().isoformat(), float(str(amount)), int(bool(paid)), pieces)
        for order, customer, day, amount, paid, pieces in rows
        if isinstance(day, datetime.datetime)
    ]


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_ROW, min_size=3, max_size=30), st.integers(0, 2), st.integers(0, 2))
def test_rows_and_types_are_those_read_by_hand(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, ...]], titles: int, blank: int
) -> None:
    folder = tmp_path_factory.mktemp("book")
    path = folder / "orders.xlsx"
    given_ = [(f"O-{number:04}", *row) for number, row in enumerate(rows)]
    made(path, given_, titles, blank)
    with Collection.open([path], home=Home(folder / "home"), fresh=True) as collection:
        (orders,) = [table for table in collection.tables if table.name == "orders"]
        types = {column.label: column.type for column in orders.columns}
        columns = ", ".join(column.name for column in orders.columns)
        read = collection.rows(f"SELECT {columns} FROM orders ORDER BY _id")
        places = collection.rows("SELECT _place FROM orders ORDER BY _id")
    first = titles + blank + 2
    assert read == by_hand(path, first, len(rows))
    assert {label: types[label] for label in ("Date", "Amount", "Paid", "Pieces")} == {
        "Date": "date", "Amount": "number", "Paid": "flag", "Pieces": "number"
    }  # fmt: skip
    assert places[0] == (f"Orders!A{first}:F{first}",)
