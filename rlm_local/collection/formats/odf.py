"""OpenDocument texts and presentations (.odt, .odp): headings, tables, notes, comments, without what was deleted."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.flow import BETWEEN, BOLD, Flow, Table, is_titled
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.package import Package, attribute, child, dropped, local, words
from rlm_local.collection.formats.part import Cell, Document, Part
from rlm_local.collection.formats.source import Source

_GONE = frozenset(
    ("tracked-changes", "ruby-text", "forms", "sequence-decls", "variable-decls", "scripts", "title", "desc")
)
_BLOCKS = frozenset(("p", "h", "table", "page"))
_MOST_BLANKS = 200
_MOST_REPEATED = 100
_BEFORE_TITLE = 10
_FIELDS = {"initial-creator": "author", "creator": "author", "creation-date": "created", "date": "modified"}


def read(source: Source) -> Iterator[Part]:
    """The parts of a text or a presentation.

    Raises:
        Unreadable: it is encrypted, damaged or too large.
        Needs: lxml is not installed.
    """
    package = Package(source)
    if b"encryption-data" in package.data("META-INF/manifest.xml"):
        raise Unreadable("encrypted: a password is needed; give a copy without one")
    title, fields = _properties(package)
    text = _Writing(package)
    blocks = text.blocks()
    for _ in islice(blocks, _BEFORE_TITLE):
        pass
    slides = source.suffix in ("odp", "otp")
    yield Document(title=title or text.title, kind="slides" if slides else "word", fields=fields)
    for _ in blocks:
        yield from text.flow.parts()
    yield from text.flow.end()


class _Writing:
    """A text on its way to a flow.

    Attributes:
        title: its first heading, as far as it has been read.
    """

    def __init__(self, package: Package) -> None:
        self.flow = Flow()
        self.title = ""
        self._package = package
        self._number = 0  # notes so far
        self._slides = 0
        self._levels = dict(_styles(package))

    def blocks(self) -> Iterator[None]:
        """Puts block after block into the flow: what stands at the top of pages, the body, what stands below."""
        margins = list(self._margins())
        for kind, text in margins:
            if kind.startswith("header"):
                self.flow.paragraph(text)
        depth = unread = 0
        for event, element in self._package.events("content.xml", *_BLOCKS, *_GONE):
            gone = local(element) in _GONE
            if event == "start":
                unread += gone
                depth += 1
                continue
            unread -= gone
            depth -= 1
            if depth == 0:
                if not gone:
                    self._block(element)
                dropped(element)
                yield
        for kind, text in margins:
            if kind.startswith("footer"):
                self.flow.paragraph(text)

    def _block(self, element: Any) -> None:
        name = local(element)
        after: list[str] = []
        if name == "table":
            self._table(element, after)
        elif name == "page":
            self._slides += 1
            self.flow.at(f"slide {self._slides}")
            self._shapes(element, after)
        else:
            text = "".join(self._inline(element, after))
            level = _count(element, "outline-level", 9) if name == "h" else self._level(element, text)
            if level is None:
                self.flow.paragraph(text)
            else:
                self.title = self.title or " ".join(text.split())
                self.flow.heading(level, text)
        for note in after:
            self.flow.paragraph(note, "\n")

    def _level(self, paragraph: Any, text: str) -> int | None:
        """The level of a paragraph as a heading, by its style or because all of it is bold; None for another one."""
        style = attribute(paragraph, "style-name")
        level = self._levels.get(style, _level_of(style))
        if level is None and not (paragraph.text or "").strip():
            spans = {
                self._levels.get(attribute(one, "style-name")) for one in paragraph if "".join(one.itertext()).strip()
            }
            bare = not any((one.tail or "").strip() for one in paragraph)
            level = BOLD if bare and spans == {BOLD} else None
        return level if level is not None and is_titled(text) else None

    def _shapes(self, element: Any, after: list[str]) -> None:
        """What stands on a slide, its notes last."""
        for one in element:
            name = local(one)
            if name in _BLOCKS:
                self._block(one)
            elif name == "notes":
                text = "\n".join(line for line in self._texts(one, after) if line.strip())
                self.flow.paragraph(f"Notes: {text}" if text else "")
            elif name not in _GONE:
                self._shapes(one, after)

    def _inline(self, element: Any, after: list[str]) -> Iterator[str]:
        """The words of a paragraph; notes, comments and text boxes in it are put into `after`."""
        yield element.text or ""
        for one in element:
            name = local(one)
            if name == "s":
                yield " " * _count(one, "c", _MOST_BLANKS)
            elif name in ("tab", "line-break"):
                yield "\t" if name == "tab" else "\n"
            elif name == "note":
                self._number += 1
                number = self._number
                body = child(one, "note-body")
                text = "\n".join(self._texts(body, after)) if body is not None else ""
                after.append(f"[{number}] {text}")
                yield f"[{number}]"
            elif name == "annotation":
                author = child(one, "creator")
                text = "\n".join(self._texts(one, after))
                after.append(f"[Comment by {words(author) if author is not None else 'somebody'}: {text}]")
            elif name == "text-box":
                after.extend(self._texts(one, after))
            elif name not in _GONE:
                yield from self._inline(one, after)
            yield one.tail or ""

    def _texts(self, container: Any, after: list[str]) -> Iterator[str]:
        """The paragraphs in something small: a cell, a note, a box; a nested table is lines."""
        for one in container:
            name = local(one)
            if name in ("p", "h"):
                yield "".join(self._inline(one, after))
            elif name == "table-row":
                cells = [" ".join(self._texts(cell, after)).strip() for cell in one if local(cell) == "table-cell"]
                yield BETWEEN.join(cells)
            elif name not in _GONE and name not in ("creator", "date"):
                yield from self._texts(one, after)

    def _table(self, element: Any, after: list[str]) -> None:
        table = Table(attribute(element, "name") if child(element, "title") is not None else "")
        for row in _rows(element):
            cells: list[tuple[str, int, int]] = []
            for cell in row:
                if local(cell) == "table-cell":
                    text = "\n".join(self._texts(cell, after))
                    span = (
                        _count(cell, "number-columns-spanned", _MOST_REPEATED),
                        _count(cell, "number-rows-spanned", 9_999),
                    )
                    cells += [(text, *span)] * (_count(cell, "number-columns-repeated", _MOST_REPEATED) if text else 1)
            table.add(cells)
        if max((len(row) for row in table.rows), default=0) > 1:
            self.flow.table(table)
        else:
            for row in table.rows:
                self.flow.paragraph(row[0] if row else "")

    def _margins(self) -> Iterator[tuple[str, str]]:
        """The headers and footers of the pages, each text once."""
        seen: set[str] = set()
        root = self._package.tree("styles.xml")
        pages = child(root, "master-styles") if root is not None else None
        for page in pages if pages is not None else ():
            for one in page:
                if local(one).startswith(("header", "footer")):
                    after: list[str] = []
                    text = "\n".join(line for line in self._texts(one, after) if line.strip())
                    if text and text not in seen:
                        seen.add(text)
                        yield local(one), text


def _styles(package: Package) -> Iterator[tuple[str, int]]:
    """The styles of a text that make headings of paragraphs: by their name or what they are made from, or bold."""
    for event, style in package.events("content.xml", "style", "body"):
        if local(style) == "body":
            return
        looks = child(style, "text-properties") if event == "end" else None
        level = _level_of(attribute(style, "parent-style-name"))
        if level is not None or (looks is not None and attribute(looks, "font-weight") == "bold"):
            yield attribute(style, "name"), BOLD if level is None else level


def _level_of(style: str) -> int | None:
    """The level that the name of a style that every program knows tells: "Title", "Heading_20_2"."""
    first, _, number = style.partition("_20_")
    return {"Title": 0, "Heading": int(number) if number.isdecimal() and len(number) == 1 else 1}.get(first)


def _rows(table: Any) -> Iterator[Any]:
    for one in table:
        if local(one) == "table-row":
            yield one
        elif local(one) in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows(one)


def _properties(package: Package) -> tuple[str, dict[str, Cell]]:
    root = package.tree("meta.xml")
    meta = child(root, "meta") if root is not None else None
    title = ""
    fields: dict[str, Cell] = {}
    for one in meta if meta is not None else ():
        if local(one) == "title":
            title = words(one)
        elif local(one) in _FIELDS and words(one):
            fields.setdefault(_FIELDS[local(one)], words(one))
    return title, fields


def _count(element: Any, name: str, most: int) -> int:
    said = attribute(element, name)
    return min(most, int(said)) if said.isascii() and said.isdecimal() and len(said) < 9 else 1


def _is_text(head: bytes) -> bool:
    return head[30:].startswith(
        (b"mimetypeapplication/vnd.oasis.opendocument.text", b"mimetypeapplication/vnd.oasis.opendocument.presentation")
    )


FORMAT = Format("opendocument", frozenset(("odt", "ott", "odp", "otp")), read, _is_text, prose=True)
