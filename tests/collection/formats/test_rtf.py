"""Rich text without its commands."""

import pytest

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import rtf
from rlm_local.collection.formats.part import Document, Rows, Text
from rlm_local.collection.formats.source import Source


def text(data: bytes) -> str:
    return "".join(part.text for part in rtf.read(Source("a.rtf", data)) if isinstance(part, Text))


def test_words_come_without_commands_in_any_charset():
    head = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title Fees}}"
    data = head + rb"Gr\'fc\'dfe, \b bold\b0\par \u8364?5 \u-10187?\u-9145?}"
    assert text(data) == "Grüße, bold\n€5 \U0001d447\n"
    found = next(iter(rtf.read(Source("a.rtf", data))))
    assert found == Document(title="Fees", kind="word")


def test_rows_are_a_table():
    row = rb"\trowd %s\cell %s\cell\row "
    data = (
        rb"{\rtf1 before\par "
        + row % (b"Year", b"Sum")
        + row % (b"2001", b"5")
        + row % (b"2002", b"6")
        + rb"\pard after}"
    )
    (found,) = (part for part in rtf.read(Source("a.rtf", data)) if isinstance(part, Rows))
    assert (found.columns, list(found.rows)) == (("Year", "Sum"), [("2001", "5"), ("2002", "6")])
    assert text(data).split() == "before Year | Sum 2001 | 5 2002 | 6 after".split()


def test_pictures_are_passed_over():
    assert text(rb"{\rtf1 a{\pict\pngblip " + b"0fA9\n" * 100_000 + b"}b}").split() == ["ab"]


@pytest.mark.parametrize("data", [b"words", rb"{\rtf1 \u99999999 x}", rb"{\rtf1 \uc x}"])
def test_what_is_damaged_says_so(data: bytes):
    with pytest.raises(Unreadable, match="damaged"):
        text(data)
