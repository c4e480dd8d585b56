"""Rich text (.rtf): its text, and its tables as rows."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from rlm_local.collection.errors import Needs, Unreadable
from rlm_local.collection.formats.flow import Flow, Table
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.part import Document, Note, Part
from rlm_local.collection.formats.source import Source

MOST = 1 << 24
"""Characters that are read, pictures not among them."""

_PICTURE = re.compile(r"[0-9a-fA-F\r\n]{400,}")  # digits of one class: one way to match
_TITLE = re.compile(r"\{\\title ([^{}\\]{1,300})\}")
_CELL = "|"


def read(source: Source) -> Iterator[Part]:
    """The parts of a text.

    Raises:
        Unreadable: it is no such text, or damaged.
        Needs: striprtf is not installed.
    """
    try:
        library: Any = import_module("striprtf.striprtf")
    except ImportError:
        raise Needs("pip install 'rlm-local[documents]'") from None
    written = source.data.decode("latin-1")
    if not written.lstrip().startswith("{\\rtf"):
        raise Unreadable("damaged: no rich text")
    written = _PICTURE.sub("", written)
    try:
        text: str = library.rtf_to_text(written[:MOST], errors="replace")
    except (ValueError, TypeError, KeyError, OverflowError, LookupError) as error:  # what it is seen to raise
        raise Unreadable(f"damaged: {error}") from None
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # halves of characters joined
    title = _TITLE.search(written, 0, 1 << 16)
    yield Document(title=title[1].strip() if title else "", kind="word")
    flow = Flow()
    table = Table()
    for line in text.split("\n"):
        row = line.rstrip()
        if row.endswith(_CELL) and row.count(_CELL) > 1:
            table.add([(cell.strip(), 1, 1) for cell in row[:-1].split(_CELL)])
            continue
        if table.rows:
            flow.table(table)
            table = Table()
        flow.paragraph(line, "\n")
        yield from flow.parts()
    if table.rows:
        flow.table(table)
    yield from flow.end()
    if len(written) > MOST:
        yield Note(f"only the first {MOST >> 20} million characters are read")


FORMAT = Format("richtext", frozenset(("rtf",)), read, lambda head: head.lstrip().startswith(b"{\\rtf"), prose=True)
