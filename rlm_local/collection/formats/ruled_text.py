"""Tables that are drawn in text, as reStructuredText has them: a grid of lines, or columns under rows of "=".

+------+------+        ====  ====
| Name | Cost |        Name  Cost
+======+======+        ====  ====
| Bolt | 5    |        Bolt  5
+------+------+        ====  ====
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rlm_local.collection.formats.part import MOST_ROWS, Cell, Rows

_BEGINS = re.compile(r"^[ \t]{0,40}(?:\+(?:[-=]+\+)+|=+(?:[ \t]+=+)+)[ \t]*$", re.MULTILINE)
_MOST_COLUMNS = 200
_LONGEST_LINE = 4_000
_LONGEST_NAME = 80
_TITLED = re.compile(r"\.\.[ \t]{1,9}(?:table|list-table|csv-table)::[ \t]{1,9}(\S[^\n]{0,200})")


@dataclass(frozen=True)
class _Line:
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_Row = tuple[list[str], int, int]
"""Cells, and from where to where they stand."""


def tables(text: str) -> Iterator[Rows]:
    """The tables of a text, in order, each row with its place."""
    at = 0
    for match in _BEGINS.finditer(text):
        if match.start() < at:
            continue
        lines = _block(text, match.start())
        if not lines:
            continue
        at = lines[-1].end
        drawn = lines[0].text.lstrip()
        rows, heads = _of_grid(lines) if drawn.startswith("+") else _of_columns(lines)
        yield from _rows(rows, heads, _name(text, match.start()))


def _block(text: str, start: int) -> list[_Line]:
    """The lines of a table: of a grid, or of columns up to the row of marks that closes them; none where none does."""
    grid = text[start : start + 50].lstrip().startswith("+")
    lines: list[_Line] = []
    rules = 0
    while start < len(text):
        stop = text.find("\n", start)
        stop = len(text) if stop < 0 else stop
        line = _Line(text[start : min(stop, start + _LONGEST_LINE)], start)
        if grid and line.text.lstrip()[:1] not in ("+", "|"):
            return lines
        lines.append(line)
        start = stop + 1
        if not grid and _is_rule(line.text):
            rules += 1
            following = text[start : start + _LONGEST_LINE].partition("\n")[0]
            if rules > 2 or (rules == 2 and not following.strip()):
                return lines
    return lines if grid else []


def _is_rule(text: str) -> bool:
    return text.strip().startswith("=") and not text.strip(" \t=")


def _of_grid(lines: Sequence[_Line]) -> tuple[list[_Row], int]:
    """The rows of a grid, a cell's lines joined, and how many of them are its header."""
    indent = len(lines[0].text) - len(lines[0].text.lstrip())
    edges = [place for place, mark in enumerate(lines[0].text) if mark == "+"][: _MOST_COLUMNS + 1]
    rows: list[_Row] = []
    heads = 0
    waiting: list[_Line] = []
    for line in lines:
        if line.text[indent : indent + 1] == "+":
            rows += _joined(waiting, edges)
            waiting = []
            if "=" in line.text and not heads:
                heads = len(rows)
        else:
            waiting.append(line)
    return rows, heads


def _joined(lines: Sequence[_Line], edges: Sequence[int]) -> Iterator[_Row]:
    if not lines:
        return
    cells = [
        " ".join(said for line in lines if (said := line.text[left + 1 : right].strip(" \t|")))
        for left, right in pairwise(edges)
    ]
    yield cells, lines[0].start, lines[-1].end


def _of_columns(lines: Sequence[_Line]) -> tuple[list[_Row], int]:
    """The rows under the marks of a simple table; a line without a first cell goes on with the row above it."""
    places = [(match.start(), match.end()) for match in re.finditer("=+", lines[0].text)][:_MOST_COLUMNS]
    rows: list[_Row] = []
    heads = 0
    for line in lines[1:]:
        if _is_rule(line.text):
            heads = heads or len(rows)
            continue
        if not line.text.strip() or not line.text.strip(" \t-"):
            continue
        last = len(places) - 1
        cells = [
            line.text[begin : None if place == last else places[place + 1][0]].strip()
            for place, (begin, _) in enumerate(places)
        ]
        if rows and not cells[0]:
            above, start, _ = rows[-1]
            rows[-1] = [" ".join(filter(None, pair)) for pair in zip(above, cells, strict=True)], start, line.end
        else:
            rows.append((cells, line.start, line.end))
    return rows, heads if heads < len(rows) else 0


def _rows(rows: Sequence[_Row], heads: int, name: str) -> Iterator[Rows]:
    if not rows:
        return
    width = len(rows[0][0])
    labels = tuple(" ".join(filter(None, (cells[place] for cells, _, _ in rows[:heads]))) for place in range(width))
    found: list[tuple[Cell, ...]] = [tuple(cell or None for cell in cells) for cells, _, _ in rows[heads:]]
    spans = [(start, end) for _, start, end in rows[heads:]]
    for at in range(0, len(found), MOST_ROWS):
        yield Rows(name, labels, found[at : at + MOST_ROWS], spans[at : at + MOST_ROWS])


def _name(text: str, start: int) -> str:
    """The title of a table directive right above it."""
    before = text[max(0, start - 400) : start].rstrip().rpartition("\n\n")[2]
    titled = _TITLED.search(before)
    return titled[1].strip()[:_LONGEST_NAME] if titled else ""
