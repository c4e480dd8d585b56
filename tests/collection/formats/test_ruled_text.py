"""Tables drawn in text: grids and simple ones of reStructuredText."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats.part import Rows
from rlm_local.collection.formats.ruled_text import tables

GRID = """\
Words.

.. table:: Parts of a lock

   +------+----------+
   | Name | Cost     |
   |      | in euros |
   +======+==========+
   | Bolt | 5        |
   +------+----------+
   | Long | 6        |
   | key  |          |
   +------+----------+

More words.
"""

SIMPLE = """\
=====  =====  ======
Name   Cost   Note
=====  =====  ======
Bolt   5      made
              of iron
Key           lost and found
=====  =====  ======

After it.
"""


def test_a_grid_is_rows_under_its_header() -> None:
    (table,) = tables(GRID)
    assert table.table == "Parts of a lock"
    assert table.columns == ("Name", "Cost in euros")
    assert table.rows == [("Bolt", "5"), ("Long key", "6")]
    start, end = (table.spans or [])[1]
    assert GRID[start:end].split() == ["|", "Long", "|", "6", "|", "|", "key", "|", "|"]


def test_columns_under_marks_are_rows_and_lines_without_a_first_cell_go_on() -> None:
    (table,) = tables(SIMPLE)
    assert table.columns == ("Name", "Cost", "Note")
    assert table.rows == [("Bolt", "5", "made of iron"), ("Key", None, "lost and found")]


def test_without_a_header_the_columns_have_no_labels() -> None:
    (table,) = tables("==  ==\n1   2\n3   4\n==  ==\n")
    assert table.columns == ("", "")
    assert table.rows == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(
    "text", ["Title\n=====\n\nWords.\n", "a + b\n", "----\n", "+--\n| a\n", "== ==\n", "== ==\nWords.\n"]
)
def test_what_is_no_table_gives_no_rows(text: str) -> None:
    assert list(tables(text)) == []


@given(st.text(alphabet="+-=| \nab", max_size=300))
def test_each_row_stands_in_the_text_and_fits_its_columns(text: str) -> None:
    for table in tables(text):
        assert isinstance(table, Rows)
        assert table.spans is not None
        for row, (start, end) in zip(table.rows, table.spans, strict=True):
            assert len(row) == len(table.columns)
            assert 0 <= start <= end <= len(text)
