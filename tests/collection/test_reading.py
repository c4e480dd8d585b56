"""Cells as values: the same at once as one by one."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection import Collection
from rlm_local.collection.reading import TEXT, Reading, at_once, decide, reader

READINGS = (
    Reading("text"),
    Reading("integer"),
    Reading("real"),
    Reading("real", mark=".", unit="EUR"),
    Reading("date"),
    Reading("time"),
)
CELLS = ("", " ", "-", "n/a", "NULL", "\\N", "0", "007", "5", "-3.50", "5\n6", " x ", "1e5", "9" * 19, "0.1",
         "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2024-04-31", "2024-5-1", "2024-05-01 10:00:00",
         "2024-05-01T23:59:60", "2024-05-01 24:00:00", "2024-05-01 10:00", "2024-05-01 10:00:00Z")  # fmt: skip


@given(st.sampled_from(READINGS), st.lists(st.sampled_from(CELLS)))
def test_cells_at_once_are_what_they_are_one_by_one(reading: Reading, cells: list[str]) -> None:
    values = at_once(reading, cells)
    read = reader(reading)
    assert values is None or [(value, None) for value in values] == [read(cell) for cell in cells]


@given(st.lists(st.text(alphabet="nul/a- \u2013x\n\u00a0")))
def test_texts_at_once_are_what_they_are_one_by_one(cells: list[str]) -> None:
    read = reader(Reading("text"))
    assert at_once(Reading("text"), cells) == [read(cell)[0] for cell in cells]


def test_plain_numbers_are_read_at_once() -> None:
    assert at_once(Reading("integer"), ["1", "", "-20"]) == [1, None, -20]
    assert at_once(Reading("real"), ["1", "2.50"]) == [1.0, 2.5]
    assert at_once(Reading("integer"), ["1", "007"]) is None


DAYS = st.dates(date(1500, 1, 1), date(2199, 12, 31))


@given(st.lists(DAYS))
def test_every_day_is_read_at_once(days: list[date]) -> None:
    written = [str(day) for day in days]
    assert at_once(Reading("date"), written) == written


def test_times_are_read_at_once() -> None:
    cells = ["2024-05-01T10:00:00", "", "2024-05-01 23:59:59", "2024-05-02"]
    assert at_once(Reading("time"), cells) == ["2024-05-01 10:00:00", None, "2024-05-01 23:59:59", "2024-05-02"]
    assert at_once(Reading("time"), ["2024-05-01 10:00"]) is None
    assert at_once(Reading("date"), ["2023-02-29"]) is None


def test_the_null_of_a_database_is_no_value() -> None:
    assert decide("size", ["7", "\\N", "9"]) == Reading("integer")
    assert at_once(TEXT, ["\\N", "new"]) == [None, "new"]


def test_a_number_among_others_may_begin_with_a_zero() -> None:
    read = reader(Reading("integer"))
    assert [read(cell)[0] for cell in ("07", "0", "000")] == [7, 0, 0]


def test_a_decimal_comma_is_told_by_what_cannot_be_thousands() -> None:
    for cells in (["10,058", "100,024", "1000,054"], ["-40,474", "-0,018"], ["7,5", "12,250"]):
        assert decide("gain", cells) == Reading("real", mark=",")
    assert decide("people", ["10,058", "100,024"]) == Reading("whole", mark=".")


def test_units_are_written_in_any_alphabet() -> None:
    found = [
        decide("price", [f"{number} {unit}" for number in (100, 250, 380)]).unit
        for unit in ("K\u010d", "z\u0142", "\u5186")
    ]
    assert found == ["K\u010d", "z\u0142", "\u5186"]
    assert decide("price", ["1.200 \u20ac", "980,50 \u20ac"]) == Reading("real", mark=",", unit="EUR")


def test_one_remark_in_a_column_of_some_twenty_numbers_leaves_them_numbers() -> None:
    rows = "".join(f"{number},{number}.5\n" for number in range(28))
    with Collection.of({"areas.csv": f"id,area\n{rows}28,900.1 (the whole park)\n"}) as collection:
        (area,) = (column for column in collection.tables[0].columns if column.name == "area")
    assert (area.type, area.given) == ("number", 28)
