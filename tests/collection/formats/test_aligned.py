"""Columns of numbers with blanks between them are a table, whatever stands above them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats import text as form
from rlm_local.collection.formats.aligned import is_aligned
from rlm_local.collection.formats.part import Document, Rows, Text
from rlm_local.collection.formats.source import Source

BODE = """\
2017-03-02\t13:52
Amplitude: 2,00 V
Freq  (Hz) \t Gain (dB)  \t Phase (deg)
 10,058            -40,474             89,967
 15,832            -36,524             89,587
 25,146            -32,493             88,690
 39,861            -28,457             87,855
 63,144            -24,486             86,437
"""


def read(text: str) -> list[object]:
    return list(form.read(Source("run.txt", text.encode())))


def test_numbers_have_the_labels_above_them() -> None:
    parts = read(BODE)
    (rows,) = (part for part in parts if isinstance(part, Rows))
    assert rows.columns == ("Freq (Hz)", "Gain (dB)", "Phase (deg)")
    assert rows.rows[0] == ("10,058", "-40,474", "89,967")
    assert len(rows.rows) == 5
    assert [BODE[start:end].split()[0] for start, end in rows.spans or ()][:2] == ["10,058", "15,832"]
    assert [part.kind for part in parts if isinstance(part, Document)] == ["table"]
    assert "".join(part.text for part in parts if isinstance(part, Text)) == BODE


def test_a_rule_below_the_labels_is_no_row() -> None:
    (rows,) = (
        part
        for part in read("  Depth     Salt\n---------------\n" + " 1.0   35\n 2.0   36\n" * 3)
        if isinstance(part, Rows)
    )
    assert rows.columns == ("Depth", "Salt")
    assert len(rows.rows) == 6


def test_numbers_without_labels_are_a_table_too() -> None:
    (rows,) = (part for part in read("1.0 2.5 3\n1.1 2.6 3\n" * 4) if isinstance(part, Rows))
    assert (len(rows.columns), len(rows.rows)) == (3, 8)


@pytest.mark.parametrize("text", ["", "Call 3 or 4.\n" * 9, "10\n20\n30\n" * 4, "1 2\n\nPump 7 rattles again.\n" * 5])
def test_prose_and_lists_are_not(text: str) -> None:
    assert not is_aligned(text)


@given(st.text(alphabet="1 \t.\n-a", max_size=300))
def test_the_text_is_whole(text: str) -> None:
    assert "".join(part.text for part in read(text) if isinstance(part, Text)) == text
