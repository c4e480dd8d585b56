"""XML: what comes again is records, the rest fields and text; bombs and broken files are named."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import format_of
from rlm_local.collection.formats import xml as form
from rlm_local.collection.formats.part import Cell, Document, Note, Part, Rows, Text
from rlm_local.collection.formats.source import Source

ORDERS = """\
<?xml version="1.0" encoding="utf-8"?>
<!-- kept by hand -->
<o:orders xmlns:o="urn:orders" day="2024-05-01">
  <title>Orders of May</title>
  <order id="7"><name>Ann &amp; Co</name><line><article>bolt</article><pieces>3</pieces></line>
    <line><article>nut</article><pieces>4</pieces></line></order>
  <order id="8"><name>Cho</name><note><![CDATA[a <b> c]]></note></order>
  <checked><by>Kim</by></checked>
</o:orders>
"""

BOOK = """\
<book><title>Locks</title>
<chapter><head>One</head><p>A <i>pin</i> moves.</p><p><i>It</i> turns.</p></chapter>
<chapter><head>Two</head><p>No <i>more</i> of <b>it <i>all</i></b>.</p></chapter>
</book>
"""


def read(text: str | bytes) -> list[Part]:
    return list(form.read(Source("a.xml", text.encode() if isinstance(text, str) else text)))


def rows(parts: list[Part]) -> dict[str, list[dict[str, Cell]]]:
    return {
        part.table: [
            {label: cell for label, cell in zip(part.columns, row, strict=True) if cell is not None}
            for row in part.rows
        ]
        for part in parts
        if isinstance(part, Rows)
    }


def shown(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text))


def test_elements_that_come_again_are_records_and_what_is_in_them_their_columns() -> None:
    assert rows(read(ORDERS)) == {
        "order": [{"id": "7", "name": "Ann & Co"}, {"id": "8", "name": "Cho", "note": "a <b> c"}],
        "line": [
            {"order_id": "7", "article": "bolt", "pieces": "3"},
            {"order_id": "7", "article": "nut", "pieces": "4"},
        ],
    }


def test_what_comes_once_is_fields() -> None:
    document = read(ORDERS)[0]
    assert isinstance(document, Document)
    assert document.title == "Orders of May"
    assert document.fields == {"day": "2024-05-01", "title": "Orders of May", "checked_by": "Kim"}


def test_a_row_knows_where_it_stands_in_the_text() -> None:
    parts = read(ORDERS)
    [orders] = [part for part in parts if isinstance(part, Rows) and part.table == "order"]
    start, end = (orders.spans or [])[1]
    assert shown(parts)[start:end] == "id: 8\nname: Cho\nnote: a <b> c"


def test_words_with_elements_between_them_are_prose() -> None:
    parts = read(BOOK)
    assert rows(parts) == {}
    assert "A pin moves." in shown(parts)
    assert "It turns." in shown(parts)
    assert "No more of it all." in shown(parts)


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>',
        '<!DOCTYPE a [<!ENTITY % a SYSTEM "http://127.0.0.1/x"> %a;]><a/>',
    ],
)
def test_entities_are_refused_by_name(bomb: str) -> None:
    with pytest.raises(Unreadable, match="entities"):
        read(bomb)


def test_nesting_without_end_is_refused_by_name() -> None:
    with pytest.raises(Unreadable, match="nested too deep"):
        read("<a>" * 100_000)


def test_a_broken_file_is_text_and_that_is_said() -> None:
    parts = read("<a><b>word</b>")
    assert shown(parts) == "<a><b>word</b>"
    assert any("no good XML" in part.problem for part in parts if isinstance(part, Note))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-8-sig"])
def test_the_declared_encoding_is_read(encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = f'<?xml version="1.0" encoding="{declared}"?><a><b>Größe</b></a>'
    assert "b: Größe" in shown(read(text.encode(encoding)))


def test_it_is_told_by_its_first_line() -> None:
    found = format_of("export", ORDERS.encode())
    assert found is form.FORMAT


@given(st.text(alphabet="<>/ab=\"' &;![]\n", max_size=200))
def test_nothing_but_what_is_said_is_raised(text: str) -> None:
    with suppress(Unreadable):
        read(text)
