"""Word documents (.docx): headings, tables, notes, comments, text boxes; tracked changes as if they were accepted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rlm_local.collection.formats.flow import BETWEEN, BOLD, Flow, Table, is_titled
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.numbering import Numbering
from rlm_local.collection.formats.package import Package, attribute, child, dropped, local
from rlm_local.collection.formats.part import Document, Part
from rlm_local.collection.formats.source import Source

_GONE = frozenset(("del", "moveFrom", "delText", "instrText", "delInstrText", "fldData", "rt", "pPr", "rPr", "tblPr"))
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_HOLDERS = frozenset(("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "body", "hdr", "ftr", "Choice"))
_BEFORE_TITLE = 10  # blocks in which the title is looked for
_CHAIN = 10


def read(source: Source) -> Iterator[Part]:
    """The parts of a Word document.

    Raises:
        Unreadable: it is encrypted, damaged or too large.
        Needs: lxml is not installed.
    """
    package = Package(source)
    title, fields = package.properties()
    word = _Word(package)
    blocks = word.blocks()
    for _ in islice(blocks, _BEFORE_TITLE):
        pass
    yield Document(title=title or word.title, kind="word", fields=fields)
    for _ in blocks:
        yield from word.flow.parts()
    yield from word.flow.end()


@dataclass
class _Paragraph:
    """What is in a paragraph beside its style; `plain`: some words of it are not bold."""

    text: list[str] = field(default_factory=list[str])
    plain: bool = False
    notes: list[str] = field(default_factory=list[str])
    boxes: list[Any] = field(default_factory=list[Any])


class _Word:
    """A document on its way to a flow.

    Attributes:
        title: its title or first heading, as far as it has been read.
    """

    def __init__(self, package: Package) -> None:
        self.flow = Flow()
        self.title = ""
        self._package = package
        self._main = package.main("word/document.xml")
        self._others: dict[str, list[str]] = {}
        for kind, name in package.related(self._main).values():
            self._others.setdefault(kind, []).append(name)
        self._levels = self._read_styles()
        self._numbering = Numbering(self._other("numbering"))
        self._notes = {kind: self._read_notes(f"{kind}s", kind) for kind in ("footnote", "endnote", "comment")}
        self._held = ""  # of a paragraph whose end is deleted
        self._number = 0  # notes so far

    def blocks(self) -> Iterator[None]:
        """Puts block after block into the flow: headers, the body, footers."""
        self._margins("header")
        depth = 0
        table = Table()
        above: dict[int, str] = {}
        after = _Paragraph()
        for event, element in self._package.events(self._main, "p", "tbl", "tr"):
            name = local(element)
            if name == "tr":
                if event == "end" and depth == 1:
                    self._row(element, table, above, after)
                    dropped(element)
            elif event == "start":
                depth += 1
            else:
                depth -= 1
                if depth == 0:
                    if name == "p":
                        self._paragraph(element)
                    else:
                        self._table(table, after)
                        table, above, after = Table(), {}, _Paragraph()
                    dropped(element)
                    yield
        self.flow.paragraph(self._held)
        self._margins("footer")

    def _paragraph(self, element: Any) -> None:
        found = _Paragraph()
        self._inline(element, found)
        style = child(element, "pPr")
        number = self._numbering.label(style, self._style(style)) if found.text else ""
        text = self._held + number + "".join(found.text)
        self._held = ""
        if style is not None and child(style, "rPr", "del") is not None:
            self._held = text
        else:
            level = self._level(style)
            if level is None and not found.plain and not number and is_titled(text):
                level = BOLD
            if level is None:
                self.flow.paragraph(text)
            else:
                self.title = self.title or " ".join(text.split())
                self.flow.heading(level, text)
        self._append(found)

    def _append(self, found: _Paragraph) -> None:
        """What belongs to a block and does not stand in its line."""
        for box in found.boxes:
            for text in self._texts(box, found):
                self.flow.paragraph(text)
        for note in found.notes:
            self.flow.paragraph(note, "\n")

    def _inline(self, element: Any, into: _Paragraph) -> None:
        for one in element:
            name = local(one)
            if name in _GONE:
                continue
            if name == "t":
                into.text.append(one.text or "")
            elif name in _SIGNS:
                into.text.append(_SIGNS[name])
            elif name == "r":
                if child(one, "rPr", "vanish") is None:
                    before = len(into.text)
                    self._inline(one, into)
                    said = "".join(into.text[before:])
                    into.plain = into.plain or not (said.isspace() or not said or _is_bold(one))
            elif name in ("footnoteReference", "endnoteReference", "commentReference"):
                self._refer(name.removesuffix("Reference"), attribute(one, "id"), into)
            elif name == "txbxContent":
                into.boxes.append(one)
            elif name == "AlternateContent":
                self._alternate(one, into)
            else:
                self._inline(one, into)

    def _alternate(self, element: Any, into: _Paragraph) -> None:
        """The first of several forms of the same that says something."""
        before = len(into.text), len(into.boxes)
        for one in element:
            self._inline(one, into)
            if before != (len(into.text), len(into.boxes)):
                return

    def _refer(self, kind: str, number: str, into: _Paragraph) -> None:
        note = self._notes[kind].get(number)
        if note:
            if kind == "comment":
                into.notes.append(f"[Comment by {note}]")
            else:
                self._number += 1
                into.text.append(f"[{self._number}]")
                into.notes.append(f"[{self._number}] {note}")

    def _texts(self, container: Any, into: _Paragraph) -> Iterator[str]:
        """The paragraphs in something small: a cell, a note, a text box, a header; a nested table is lines."""
        for one in container:
            name = local(one)
            if name == "p":
                inner = _Paragraph(notes=into.notes)
                self._inline(one, inner)
                style = child(one, "pPr")
                number = self._numbering.label(style, self._style(style)) if inner.text else ""
                yield number + "".join(inner.text)
                for box in inner.boxes:
                    yield from self._texts(box, into)
            elif name == "tr":
                if child(one, "trPr", "del") is None:
                    cells = (" ".join(self._texts(cell, into)).strip() for cell in one if local(cell) == "tc")
                    yield BETWEEN.join(cells)
            elif name == "tbl" or name in _HOLDERS:
                yield from self._texts(one, into)

    def _row(self, row: Any, table: Table, above: dict[int, str], into: _Paragraph) -> None:
        said = child(row, "trPr")
        if said is not None and child(said, "del") is not None:
            return
        before = child(said, "gridBefore") if said is not None else None
        cells: list[tuple[str, int, int]] = [("", 1, 1)] * (_number(before) if before is not None else 0)
        column = len(cells)
        for cell in _cells(row):
            form = child(cell, "tcPr")
            if form is not None and child(form, "cellDel") is not None:
                continue
            across = _number(child(form, "gridSpan")) if form is not None else 1
            merged = child(form, "vMerge") if form is not None else None
            if merged is not None and attribute(merged, "val") != "restart":
                text = above.get(column, "")
            else:
                text = "\n".join(self._texts(cell, into))
            above[column] = text
            cells.append((text, across, 1))
            column += across
        table.add(cells)

    def _table(self, table: Table, after: _Paragraph) -> None:
        if max((len(row) for row in table.rows), default=0) > 1:
            self.flow.table(table)
        else:
            for row in table.rows:
                self.flow.paragraph(row[0] if row else "")
        self._append(after)

    def _margins(self, kind: str) -> None:
        """Headers or footers, each text once."""
        seen: set[str] = set()
        for name in self._others.get(kind, ()):
            root = self._package.tree(name)
            found = _Paragraph()
            text = "\n".join(line for line in self._texts(root, found) if line.strip()) if root is not None else ""
            if text and text not in seen:
                seen.add(text)
                self.flow.paragraph(text)

    def _other(self, kind: str) -> Any:
        names = self._others.get(kind)
        return self._package.tree(names[0]) if names else None

    def _read_notes(self, part: str, kind: str) -> dict[str, str]:
        self._notes: dict[str, dict[str, str]] = {"footnote": {}, "endnote": {}, "comment": {}}
        root = self._other(part)
        notes: dict[str, str] = {}
        for one in root if root is not None else ():
            if local(one) == kind and attribute(one, "type") not in ("separator", "continuationSeparator"):
                text = "\n".join(self._texts(one, _Paragraph())).strip()
                author = attribute(one, "author")
                notes[attribute(one, "id")] = f"{author}: {text}" if author else text
        return notes

    def _read_styles(self) -> dict[str, tuple[int | None, Any]]:
        """By its id, a style's level as a heading, from 0 for a title, and its paragraph properties."""
        root = self._other("styles")
        styles = {attribute(one, "styleId"): one for one in root if local(one) == "style"} if root is not None else {}
        return {name: (_level_of(name, styles), child(style, "pPr")) for name, style in styles.items()}

    def _style(self, properties: Any) -> Any:
        """The paragraph properties of the style that a paragraph has."""
        named = child(properties, "pStyle") if properties is not None else None
        return self._levels.get(attribute(named, "val"), (None, None))[1] if named is not None else None

    def _level(self, properties: Any) -> int | None:
        if properties is None:
            return None
        own = child(properties, "outlineLvl")
        if own is not None:
            level = _number(own)
            return level + 1 if level < 9 else None
        named = child(properties, "pStyle")
        return self._levels.get(attribute(named, "val"), (None, None))[0] if named is not None else None


def _level_of(name: str, styles: dict[str, Any]) -> int | None:
    for _ in range(_CHAIN):
        style = styles.get(name)
        if style is None:
            return None
        named = child(style, "name")
        called = attribute(named, "val").lower() if named is not None else ""
        if called == "title":
            return 0
        first, _, digit = called.partition(" ")
        if first == "heading" and digit.isdecimal() and len(digit) == 1:
            return int(digit)
        level = child(style, "pPr", "outlineLvl")
        if level is not None:
            return _number(level) + 1 if _number(level) < 9 else None
        based = child(style, "basedOn")
        name = attribute(based, "val") if based is not None else ""
    return None


def _is_bold(run: Any) -> bool:
    bold = child(run, "rPr", "b")
    return bold is not None and attribute(bold, "val") not in ("0", "false", "off")


def _cells(row: Any) -> Iterator[Any]:
    for one in row:
        if local(one) == "tc":
            yield one
        elif local(one) in _HOLDERS:
            yield from _cells(one)


def _number(element: Any) -> int:
    said = attribute(element, "val") if element is not None else ""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 5 else 1


FORMAT = Format(
    "word",
    frozenset(("docx", "docm", "dotx", "dotm")),
    read,
    lambda head: head.startswith(b"PK") and b"word/" in head,
    prose=True,
)
