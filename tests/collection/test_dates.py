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


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("20170813", "2017-08-13"),
        ("20240115T093000Z", "2024-01-15 09:30:00"),
        ("2024年3月5日", "2024-03-05"),
        ("5 марта 2024 \u0433.", "2024-03-05"),
        ("jueves 07 de junio de 2012", "2012-06-07"),
        ("Mittwoch, 14. November 2018", "2018-11-14"),
        ("1er février 2014", "2014-02-01"),
        ("12 października 2023", "2023-10-12"),
        ("woensdag 5 mei 2021", "2021-05-05"),
        ("2017-03-02  13:56:00,890762", "2017-03-02 13:56:00"),
    ],
)
def test_dates_are_read_in_many_languages(written: str, date: str) -> None:
    found = moment(written)
    assert found is not None
    assert found.text == date


@pytest.mark.parametrize("written", ["20171332", "12345678", "before 5 March 2024", "2024年13月5日"])
def test_what_is_no_day_is_none(written: str) -> None:
    assert moment(written) is None


def test_days_as_plain_numbers_are_dates_unless_they_name_something() -> None:
    text = '[{"id": 20170813, "end": 20190112}, {"id": 20170814, "end": 20190329}]'
    with Collection.of({"books.json": text}) as collection:
        columns = {column.name: column for column in collection.tables[0].columns}
    assert (columns["end_"].type, columns["end_"].least) == ("date", "2019-01-12")
    assert columns["id"].type == "id"
