"""What columns hold: types, how many values, the least, the greatest, the most common."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection import statistics
from rlm_local.collection.reading import Reading, Value
from rlm_local.collection.statistics import describe
from rlm_local.sqlite import Database, connect

Described = tuple[str, str, int, int, Value, Value, list[list[Value]]]


def table(values: Sequence[Value]) -> Database:
    db = connect(Path(":memory:"))
    db.execute("CREATE TABLE t (c)")
    db.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
    return db


def described(values: Sequence[Value], label: str = "c", reading: Reading | None = None) -> Described:
    db = table(values)
    ((*rest, common),) = describe(db, "t", ["c"], {"c": reading} if reading else {}, {"c": label})
    db.close()
    kind, unit, given_, distinct, least, greatest = rest
    return kind, unit, given_, distinct, least, greatest, json.loads(str(common))  # type: ignore[return-value]


def test_numbers_have_a_range_and_a_unit() -> None:
    assert described([3, None, 1, 3, 2.5], reading=Reading("real", unit="EUR")) == (
        "number", "EUR", 4, 3, 1, 3, [[3, 2], [1, 1], [2.5, 1]]
    )  # fmt: skip


def test_numbers_that_are_codes_are_ids() -> None:
    assert described([1, 2, 3], "customer id", Reading("integer"))[0] == "id"
    assert described([1, 2, 3], "amount", Reading("integer"))[0] == "number"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["open", "closed", "open", "open", "closed", "open"], "category"),
        ([f"A-{number}" for number in range(9)], "id"),
        ([f"The pump of building {number} rattles, and nobody knows why that is so." for number in range(9)], "text"),
        (["a\nb", "c\nd"], "text"),
        ([None, None], "text"),
    ],
)  # fmt: skip
def test_texts_are_categories_ids_or_prose(values: list[Value], kind: str) -> None:
    assert described(values)[0] == kind


def test_a_long_value_is_cut_where_it_is_shown() -> None:
    _, _, _, _, least, greatest, common = described(["x" * 5_000])
    assert len(str(least)) == len(str(greatest)) == len(str(common[0][0])) == 200


@given(st.lists(st.none() | st.integers(-5, 5) | st.sampled_from("abc"), max_size=30))
def test_counting_in_memory_and_in_the_database_say_the_same(values: list[Value]) -> None:
    db = table(values)
    (counts,) = statistics.count(db, "t", ["c"])
    said = [value for value in values if value is not None]
    assert sum(counts.values()) == len(said)
    if said:
        here, there = statistics._of_counts(counts), statistics._of_table(db, "t", "c")
        assert here[:4] == there[:4]
        assert sorted(map(str, here[4])) == sorted(map(str, there[4]))
    db.close()


def test_a_column_of_very_many_values_is_counted_by_the_database() -> None:
    kind, _, given_, distinct, least, greatest, common = described(list(range(60_000)), reading=Reading("integer"))
    assert (kind, given_, distinct, least, greatest) == ("number", 60_000, 60_000, 0, 59_999)
    assert common[0] == [0, 1]


def test_lists_of_a_few_things_are_counted_by_the_thing() -> None:
    tags = ["red, green", "red", "green, blue", "red, blue", "red, green, blue", None]
    assert described(tags * 2) == ("list", ", ", 10, 3, "green, blue", "red, green, blue", [
        ["red", 8], ["green", 6], ["blue", 6],
    ])  # fmt: skip


def test_a_few_rows_with_several_things_are_enough_where_all_are_combined() -> None:
    alone: list[Value] = ["red", "green", "blue"] * 20
    assert described([*alone, "red, green", "green, blue", "blue, red", "red, green, blue"])[0] == "list"
    assert described([*alone, "red, green", "Byron, Ada", "Hopper, Grace", "Turing, Alan"])[0] == "category"


@pytest.mark.parametrize(
    "values",
    [
        [f"{number} High Street, Holm" for number in range(30)],
        ["Byron, Ada", "Lee, Ann", "Koch, Ben", "Park, Cho"] * 5,
        ["1,234", "5,678", "1,234"] * 5,
        ["It rains, and it pours, and nobody knows when it ends; we wait, and we hope that it does"] * 9,
        ["a, b", *["open", "closed"] * 9],
    ],
    ids=["addresses", "names", "numbers", "sentences", "a single one"],
)
def test_other_texts_with_commas_are_no_lists(values: list[Value]) -> None:
    assert described(values)[0] != "list"
