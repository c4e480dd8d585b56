"""Dates are read as people write them, and what only looks like one is none."""

import pytest

from rlm_local.collection import Collection
from rlm_local.collection.dates import moment


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("3/4/02", "2002-03-04"),
        ("12/15/00", "2000-12-15"),
        ("1/31/99", "1999-01-31"),
        ("Monday, January 3, 1791", "1791-01-03"),
        ("3 January 1791", "1791-01-03"),
    ],
)
def test_short_and_long_dates_are_read(written: str, date: str) -> None:
    found = moment(written, "month")
    assert found is not None
    assert found.text == date


@pytest.mark.parametrize("written", ["1.2.13", "1.10.12", "4-2-1", "13/13/13", "1/2", "1/2/3", "30/2/12"])
def test_versions_scores_and_days_that_are_none_are_not(written: str) -> None:
    assert moment(written) is None


def test_a_column_of_short_american_dates_has_dates() -> None:
    rows = "".join(f"{number},{number % 12 + 1}/{number % 28 + 1}/{number % 20:02}\n" for number in range(60))
    with Collection.of({"moves.csv": f"id,day\n{rows}"}) as collection:
        (day,) = (column for column in collection.tables[0].columns if column.name == "day")
    assert (day.type, day.least) == ("date", "2000-01-01")
