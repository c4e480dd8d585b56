"""What programs come to is compared as people would compare it."""

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.engine.authors.outcome import Outcome

VALUES = st.one_of(st.integers(-1000, 1000), st.floats(-1e6, 1e6), st.text(max_size=5), st.booleans(), st.none())


def test_a_whole_row_of_a_table_is_told_from_a_mapping_of_answers() -> None:
    table = {"name", "code", "harbour", "built", "votes"}
    row = {"name": "Gannet", "code": "V-1001", "harbour": "Holm", "built": "1978-03-01"}
    assert Outcome.of(row).is_row_of([{"boat"}, table])
    assert not Outcome.of({"Holm": 3, "Skerry": 4, "Tarn": 1, "Norland": 2}).is_row_of([table])
    assert not Outcome.of({"name": "Gannet", "code": "V-1001"}).is_row_of([table])
    assert not Outcome.of(7).is_row_of([table])


def test_the_same_in_another_order_is_the_same() -> None:
    assert Outcome.of(["a", "b"]).same(Outcome.of(["b", "a"]))


def test_numbers_are_the_same_to_six_digits() -> None:
    assert Outcome.of(6.7734417).same(Outcome.of(6.7734418))
    assert not Outcome.of(6.7734).same(Outcome.of(6.7744))


def test_a_name_is_the_same_with_its_number_beside_it() -> None:
    assert Outcome.of("Holm").same(Outcome.of([["Holm", 29]]))
    assert Outcome.of({"Holm": 29}).same(Outcome.of([{"harbour": "Holm", "n": 29}]))


def test_a_yes_is_no_count_of_one() -> None:
    assert not Outcome.of(1).same(Outcome.of(True))
    assert Outcome.of(1, truth=True).same(Outcome.of(True))


def test_one_and_two_are_not_the_same() -> None:
    assert not Outcome.of(["a"]).same(Outcome.of(["a", "b"]))


def test_nothing_none_zero_and_no_are_no_findings() -> None:
    assert all(Outcome.of(value).empty for value in ([], None, 0, 0.0, "", "(...)", False, [None], [[None, 0]]))
    assert not any(Outcome.of(value).empty for value in (1, "x", True, [0, 1]))


@given(st.lists(st.lists(VALUES, min_size=1, max_size=3), max_size=4))
def test_every_result_is_the_same_as_itself(rows: list[list[object]]) -> None:
    assert Outcome.of(rows).same(Outcome.of(rows))


@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_sameness_goes_both_ways(one: list[object], other: list[object]) -> None:
    assert Outcome.of(one).same(Outcome.of(other)) == Outcome.of(other).same(Outcome.of(one))
