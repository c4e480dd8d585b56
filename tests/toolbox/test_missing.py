"""What a row does not give, as a program meets it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.toolbox.missing import MISSING

_VALUES = st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)


def test_it_is_none_for_all_that_matters() -> None:
    missing: Any = MISSING
    assert (str(missing), repr(missing), len(missing), list(missing)) == ("", "None", 0, [])
    assert not missing
    assert missing in (None, 3)
    assert {missing, None} == {None}
    assert missing == None  # noqa: E711 - that is what programs write


@given(_VALUES)
def test_it_meets_no_comparison_and_adds_nothing(value: Any) -> None:
    missing: Any = MISSING
    assert not any((missing < value, missing > value, missing <= value, missing >= value))
    assert value not in missing
    assert missing + value == value == value + missing if value is not None else True
    assert missing * value is missing
    assert missing - value is missing
    assert missing / value is missing


def test_it_has_the_methods_of_an_empty_text() -> None:
    missing: Any = MISSING
    assert (missing.lower(), missing.split(), missing.startswith("a"), missing[:4]) == ("", [], False, "")
    with pytest.raises(AttributeError):
        missing.nothing_like_it()


def test_sums_means_and_order_go_past_it() -> None:
    values: list[Any] = [3, MISSING, 4]
    assert sum(values) == 7
    assert [value for value in values if value > 2] == [3, 4]
    assert max(value for value in values if value) == 4
