"""Presentations (.pptx): each slide at its place, with its tables, its notes and what stands in its shapes."""

from collections.abc import Iterator
from typing import Any

from rlm_local.collection.formats.flow import Flow, Table
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.package import Package, attribute, child, local
from rlm_local.collection.formats.part import Document, Note, Part
from rlm_local.collection.formats.source import Source

MOST_SLIDES = 5_000
"""Slides that are read of a file."""

_TITLES = frozenset(("title", "ctrTitle"))
_ASIDE = frozenset(("sldNum", "dt", "ftr", "hdr", "sldImg"))


def read(source: Source) -> Iterator[Part]:
    """The parts of a presentation, a text for each slide.

    Raises:
        Unreadable: it is encrypted, damaged or too large.
        Needs: lxml is not installed.
    """
    package = Package(source)
    main = package.main("ppt/presentation.xml")
    related = package.related(main)
    title, fields = package.properties()
    shown = child(package.tree(main), "sldIdLst") if main in package.names else None
    identifiers = [_relation(one) for one in shown] if shown is not None else []
    slides = [related[name][1] for name in identifiers if name in related]
    yield Document(title=title, kind="slides", fields=fields)
    flow = Flow()
    for number, name in enumerate(slides[:MOST_SLIDES], 1):
        root = package.tree(name)
        if root is None:
            yield Note("this slide is missing", f"slide {number}")
            continue
        flow.at(f"slide {number}")
        if attribute(root, "show") == "0":
            flow.paragraph("(hidden)")
        _shapes(root, flow)
        for kind, other in package.related(name).values():
            _beside(package, kind, other, flow)
        yield from flow.parts()
    yield from flow.end()
    if len(slides) > MOST_SLIDES:
        yield Note(f"only the first {MOST_SLIDES} of {len(slides)} slides are read")


def _beside(package: Package, kind: str, name: str, flow: Flow) -> None:
    """What belongs to a slide and stands in a part of its own: notes, comments, diagrams."""
    root = package.tree(name) if kind in ("notesSlide", "comments", "diagramData") else None
    if root is None:
        return
    inner = Flow()
    _shapes(root, inner)
    text = "\n".join(paragraph for paragraph in inner.text().split("\n") if paragraph.strip())
    if text:
        flow.paragraph({"notesSlide": "Notes: ", "comments": "Comment: "}.get(kind, "") + text)


def _shapes(element: Any, flow: Flow) -> None:
    """Every paragraph and table below an element, in order."""
    for one in element:
        name = local(one)
        if name == "sp":
            kind = _placeholder(one)
            if kind in _TITLES:
                flow.heading(1, " ".join(_text(paragraph) for paragraph in _paragraphs(one)))
            elif kind not in _ASIDE:
                _shapes(one, flow)
        elif name == "txBody" or (name == "t" and child(one, "p") is not None):  # t: a point of a diagram
            flow.paragraph("\n".join(_text(paragraph) for paragraph in one if local(paragraph) == "p"))
        elif name == "tbl":
            _table(one, flow)
        elif name == "text":  # of a comment
            flow.paragraph(one.text or "")
        else:
            before = flow.length
            _shapes(one, flow)
            if local(element) == "AlternateContent" and flow.length > before:
                return  # what follows is the same in another form


def _table(element: Any, flow: Flow) -> None:
    table = Table()
    for row in element:
        if local(row) == "tr":
            cells = [cell for cell in row if local(cell) == "tc"]
            table.add(
                [
                    (
                        "\n".join(_text(one) for one in _paragraphs(cell)),
                        _count(cell, "gridSpan"),
                        _count(cell, "rowSpan"),
                    )
                    for cell in cells
                    if not attribute(cell, "hMerge") and not attribute(cell, "vMerge")
                ]
            )
    flow.table(table)


def _paragraphs(element: Any) -> Iterator[Any]:
    body = child(element, "txBody")
    yield from (one for one in body if local(one) == "p") if body is not None else ()


def _text(paragraph: Any) -> str:
    words: list[str] = []
    for one in paragraph.iter():
        name = local(one)
        if name == "t":
            words.append(one.text or "")
        elif name in ("br", "tab"):
            words.append("\n" if name == "br" else "\t")
    return "".join(words)


def _placeholder(shape: Any) -> str:
    """What a shape holds the place of: "title", "sldNum"; empty for any other."""
    for one in shape:
        if local(one) == "nvSpPr":
            found = child(one, "nvPr", "ph")
            return attribute(found, "type") if found is not None else ""
    return ""


def _relation(slide: Any) -> str:
    return next((value for key, value in slide.attrib.items() if key.endswith("}id")), "")


def _count(cell: Any, name: str) -> int:
    said = attribute(cell, name)
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 5 else 1


def _is_presentation(head: bytes) -> bool:
    return head.startswith(b"PK") and b"ppt/" in head


FORMAT = Format("slides", frozenset(("pptx", "pptm", "ppsx", "potx")), read, _is_presentation, prose=True)
