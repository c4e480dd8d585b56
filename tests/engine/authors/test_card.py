"""The card shows what there is, and nothing in it can pass for a line of its own."""

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection import Table
from rlm_local.engine.authors.card import card

from .harbour import REFERENCES, TABLES, column


def test_columns_are_shown_with_what_their_values_are_like() -> None:
    text = card(TABLES, REFERENCES)
    assert "CREATE TABLE boats ( -- 120 rows" in text
    assert "  harbour TEXT, -- 'Skerry', 'Holm'" in text
    assert "  length REAL, -- Length over all: 4.5 to 31 m" in text
    assert "  built DATE, -- 1978-03-01 to 2019-06-30" in text


def test_references_are_shown() -> None:
    assert "REFERENCES boats(code)" in card(TABLES, REFERENCES)


def test_a_column_without_values_says_so() -> None:
    assert "-- empty" in card([Table("t", "rows", 3, (column("nothing"),))])


@given(st.lists(st.text(max_size=200), min_size=1, max_size=5), st.text(max_size=100))
def test_a_value_or_label_stays_on_its_line(values: list[str], label: str) -> None:
    table = Table("t", "rows", 3, (column("a", "text", values, label=label),))
    lines = card([table]).split("\n")
    assert len(lines) == 3
    assert len(lines[1]) < 400
