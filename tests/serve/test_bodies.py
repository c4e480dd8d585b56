"""A body is parsed as JSON is, unless it is made of more values than any request has."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.serve.bodies import MOST_VALUES, parse
from rlm_local.serve.errors import TooLargeError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_it_is_parsed_as_it_was_written(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"1," * MOST_VALUES + b"1]",
        b"[" * (MOST_VALUES + 1),
        b"[" + b"{}," * MOST_VALUES + b"1]",
        b'["\\\\",' + b"1," * MOST_VALUES + b"1]",
        b'"' * (5 * MOST_VALUES),
    ],
    ids=["numbers", "brackets", "objects", "after an escape", "quotes"],
)
def test_more_values_than_can_be_meant_are_refused_before_they_are_made(body: bytes) -> None:
    with pytest.raises(TooLargeError, match="values"):
        parse(body)


def test_a_long_text_is_one_value_whatever_stands_in_it() -> None:
    text = 'a, "b": [c], {d}\\ ' * MOST_VALUES
    assert parse(json.dumps({"question": text}).encode()) == {"question": text}


def test_what_is_no_json_is_told_as_such() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        parse(b'{"question": ' + b" " * 100)
