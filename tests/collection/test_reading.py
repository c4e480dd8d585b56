"""Cells as values: the same at once as one by one."""

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.reading import TEXT, Reading, at_once, decide, reader

READINGS = (
    Reading("text"),
    Reading("integer"),
    Reading("real"),
    Reading("real", mark=".", unit="EUR"),
    Reading("date"),
)
CELLS = ("", " ", "-", "n/a", "NULL", "\\N", "0", "007", "5", "-3.50", "5\n6", " x ", "1e5", "9" * 19, "0.1")


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


def test_the_null_of_a_database_is_no_value() -> None:
    assert decide("size", ["7", "\\N", "9"]) == Reading("integer")
    assert at_once(TEXT, ["\\N", "new"]) == [None, "new"]
