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
def test_it_meets_no_comparison(value: Any) -> None:
    missing: Any = MISSING
    assert not any((missing < value, missing > value, missing <= value, missing >= value))
    assert value not in missing


def test_it_has_the_methods_of_an_empty_text() -> None:
    missing: Any = MISSING
    assert (missing.lower(), missing.split(), missing.startswith("a"), missing[:4]) == ("", [], False, "")
    with pytest.raises(AttributeError):
        missing.nothing_like_it()


def test_it_is_not_counted_with_since_a_mean_would_be_another() -> None:
    values: list[Any] = [3, MISSING, 4]
    for count in (lambda: sum(values), lambda: values[1] * 2, lambda: 7 - values[1], lambda: values[1] / 2):
        with pytest.raises(TypeError, match="leave them out"):
            count()
    assert sum(value for value in values if value) == 7


def test_comparisons_go_past_it() -> None:
    values: list[Any] = [3, MISSING, 4]
    assert [value for value in values if value > 2] == [3, 4]
