"""Books, chapter by chapter."""

import io
import zipfile

import pytest

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import epub
from rlm_local.collection.formats.part import Document, Text
from rlm_local.collection.formats.source import Source

CONTAINER = '<container><rootfiles><rootfile full-path="in/book.opf"/></rootfiles></container>'
BOOK = (
    "<package><metadata><title>Tales</title><creator>Ann</creator></metadata><manifest>"
    '<item id="b" href="second%20one.xhtml" media-type="application/xhtml+xml"/>'
    '<item id="a" href="first.xhtml" media-type="application/xhtml+xml"/>'
    '</manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
)


def book(**more: str) -> Source:
    stream = io.BytesIO()
    files = {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER, "in/book.opf": BOOK}
    chapters = {"in/first.xhtml": "<h1>One</h1><p>began", "in/second one.xhtml": "<h1>Two</h1><p>ended</p>"}
    with zipfile.ZipFile(stream, "w") as made:
        for name, said in {**files, **chapters, **more}.items():
            made.writestr(name, said)
    return Source("a.epub", stream.getvalue())


def test_chapters_come_in_the_order_of_the_book():
    assert list(epub.read(book())) == [
        Document(title="Tales", kind="book", fields={"author": "Ann"}),
        Text("One\n\nbegan\n", "One", "chapter 1"),
        Text("Two\n\nended\n\n", "Two", "chapter 2"),
    ]


def test_a_locked_book_says_so_and_fonts_are_no_lock():
    lock = '<encryption><EncryptionMethod Algorithm="{}"/></encryption>'
    with pytest.raises(Unreadable, match="encrypted"):
        list(epub.read(book(**{"META-INF/encryption.xml": lock.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")})))
    assert list(epub.read(book(**{"META-INF/encryption.xml": lock.format("http://www.idpf.org/2008/embedding")})))


def test_a_book_without_chapters_is_damaged():
    with pytest.raises(Unreadable, match="damaged"):
        list(epub.read(book(**{"META-INF/container.xml": "<container/>", "in/book.opf": "<package>"})))
