"""Books (.epub): their chapters in order, each at its place."""

import posixpath
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.flow import Flow
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.html import Page, decoded
from rlm_local.collection.formats.package import Package, attribute, child, local, words
from rlm_local.collection.formats.part import Cell, Document, Note, Part
from rlm_local.collection.formats.source import Source

MOST_CHAPTERS = 5_000
"""Chapters that are read of a book."""

_FONTS = (b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC")  # are no reason not to read
_FIELDS = {"creator": "author", "publisher": "publisher", "date": "date", "language": "language"}


def read(source: Source) -> Iterator[Part]:
    """The parts of a book, a text for each chapter.

    Raises:
        Unreadable: it is encrypted, or damaged.
        Needs: lxml is not installed.
    """
    package = Package(source)
    locks = package.data("META-INF/encryption.xml")
    if locks.count(b"EncryptionMethod") > sum(locks.count(font) for font in _FONTS):
        raise Unreadable("encrypted: this book may be read by the one who bought it only")
    book = _book(package)
    root = package.tree(book)
    if root is None:
        raise Unreadable("damaged: it has no list of chapters")
    title, fields = _said(child(root, "metadata"))
    yield Document(title=title, kind="book", fields=fields)
    chapters = list(_chapters(root, posixpath.dirname(book)))
    flow = Flow()
    for number, name in enumerate(chapters[:MOST_CHAPTERS], 1):
        place = f"chapter {number}"
        try:
            data = package.data(name)
        except Unreadable as error:
            yield Note(str(error), place)
            continue
        flow.at(place)
        yield from Page(decoded(data), flow).parts()
    if len(chapters) > MOST_CHAPTERS:
        yield Note(f"only the first {MOST_CHAPTERS} of {len(chapters)} chapters are read")


def _book(package: Package) -> str:
    """The name of the part that lists the chapters."""
    root = package.tree("META-INF/container.xml")
    files = child(root, "rootfiles") if root is not None else None
    named = (attribute(one, "full-path") for one in files) if files is not None else ()
    return next((name for name in named if name), next((name for name in package.names if name.endswith(".opf")), ""))


def _said(metadata: Any) -> tuple[str, dict[str, Cell]]:
    title = ""
    fields: dict[str, Cell] = {}
    for one in metadata if metadata is not None else ():
        if local(one) == "title":
            title = title or words(one)
        elif local(one) in _FIELDS and words(one):
            fields.setdefault(_FIELDS[local(one)], words(one))
    return title, fields


def _chapters(root: Any, folder: str) -> Iterator[str]:
    manifest, spine = child(root, "manifest"), child(root, "spine")
    names = {
        attribute(one, "id"): posixpath.normpath(posixpath.join(folder, unquote(attribute(one, "href"))))
        for one in (manifest if manifest is not None else ())
        if local(one) == "item" and "html" in attribute(one, "media-type")
    }
    for one in spine if spine is not None else ():
        if attribute(one, "idref") in names:
            yield names[attribute(one, "idref")]


FORMAT = Format(
    "book", frozenset(("epub",)), read, lambda head: head[30:].startswith(b"mimetypeapplication/epub+zip"), prose=True
)
