"""From words that have places on a page to text in the order in which a person reads it.

Pieces of text are gathered to rows, rows are parted at the gutters between columns of prose, and what stands in one
column is joined to paragraphs. What stands side by side and is no prose, as in a table or an invoice, stays one line.
Lengths are in the page's own unit, x to the right, y downwards; `base` is the line that letters stand on.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

SOFT = "\xad"
"""Marks a hyphen that ends a line, until it is known whether the word has it in the middle of a line, too."""

WIDE = 1.1
"""A gap of so many letter heights and more is none between two words."""

_CLOSE = 0.5  # of what the file has apart, only this is joined before columns are told from one another

GAP = "  "
"""What stands in the text for a wide gap."""

_LEADERS = re.compile(r"(?: ?[.…]){4,} ?")
_SAME_LINE = 0.45
_GUTTER = 0.6
_LEAST_ROWS = 4
_BULLETS = frozenset("•◦▪■●○‣\u2013—-*·∙➢➤")
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that stand together: no gap between them is wide; or what stands in a cell of a ruled table.

    `cell`: the table's number on its page, the column, and how many columns there are.
    """

    text: str
    x0: float
    x1: float
    base: float
    size: float
    cell: tuple[int, int, int] | None = None

    @property
    def top(self) -> float:
        return self.base - 0.8 * self.size

    @property
    def bottom(self) -> float:
        return self.base + 0.2 * self.size


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line that is drawn on the page, across (top == bottom) or down (x0 == x1)."""

    x0: float
    x1: float
    top: float
    bottom: float


Row = list[Piece]
"""Pieces on one line, from left to right (from right to left where that is how they are read)."""


def pieces(words: Iterable[Piece]) -> list[Piece]:
    """Words in the order in which the file has them, joined where the next one follows on the same line."""
    found: list[Piece] = []
    run: list[Piece] = []
    for word in words:
        if word.cell:
            found.append(word)
            continue
        if run and not _follows(run[-1], word):
            found.append(_joined(run, " "))
            run = []
        run.append(word)
    return [*found, _joined(run, " ")] if run else found


def _follows(last: Piece, word: Piece) -> bool:
    size = max(last.size, word.size)
    gap = max(word.x0 - last.x1, last.x0 - word.x1)  # the second one where it is read from right to left
    return abs(word.base - last.base) < _SAME_LINE * size and -0.3 * size < gap < WIDE * size


def _joined(run: Sequence[Piece], between: str) -> Piece:
    biggest = max(run, key=lambda one: one.size)
    text = between.join(one.text for one in run)
    return Piece(text, min(one.x0 for one in run), max(one.x1 for one in run), biggest.base, biggest.size)


def rows(found: Iterable[Piece], wide: float = WIDE) -> list[Row]:
    """Pieces gathered to lines, from the top downwards; those of a line that are no wide gap apart are one."""
    gathered: list[Row] = []
    base = size = 0.0
    for piece in sorted(found, key=lambda one: (one.base, one.x0)):
        if gathered and piece.base - base < _SAME_LINE * max(size, piece.size):
            gathered[-1].append(piece)
            if piece.size > size:
                base, size = piece.base, piece.size
        else:
            gathered.append([piece])
            base, size = piece.base, piece.size
    return [_in_order(row, wide) for row in gathered]


def _in_order(row: Row, wide: float) -> Row:
    """From left to right, or from right to left."""
    backwards = sum(map(_direction, row)) < 0
    row = sorted(row, key=lambda one: -one.x1 if backwards else one.x0)
    merged: Row = []
    for piece in row:
        last = merged[-1] if merged else None
        gap = max(piece.x0 - last.x1, last.x0 - piece.x1) if last else 0.0
        if last and not (last.cell or piece.cell) and gap < wide * max(last.size, piece.size):
            merged[-1] = _joined((last, piece), "" if abs(gap) < 0.15 * min(last.size, piece.size) else " ")
        else:
            merged.append(piece)
    return merged


def _direction(piece: Piece) -> int:
    """Letters that are read from left to right, less those that are read from right to left."""
    if piece.text.isascii():
        return len(piece.text)
    kinds = Counter(map(unicodedata.bidirectional, piece.text[:200]))
    return kinds["L"] - kinds["R"] - kinds["AL"]


def flow(found: Iterable[Piece], rules: Sequence[Rule] = (), depth: int = 0) -> list[list[Row]]:
    """The blocks of a page in reading order, each a list of rows: a column of prose to its end before the next one."""
    found = list(found)
    lines = rows(found, _CLOSE)
    parting = _parting(lines, rules) if depth < _DEEPEST else None
    if parting is None:
        return [rows(found)] if found else []
    x, first, last = parting
    inside = [piece for row in lines[first:last] for piece in row]
    parts = (
        [piece for row in lines[:first] for piece in row],
        [piece for piece in inside if piece.x0 < x],
        [piece for piece in inside if piece.x0 >= x],
        [piece for row in lines[last:] for piece in row],
    )
    return [block for part in parts for block in flow(part, rules, depth + 1)]


def _parting(lines: Sequence[Row], rules: Sequence[Rule]) -> tuple[float, int, int] | None:
    """Where two columns lie side by side: x of the second one's edge, and the rows from and to."""
    if len(lines) < _LEAST_ROWS:
        return None
    edges = Counter(round(piece.x0 / 3) for row in lines for piece in row)
    common = [at for at, count in edges.most_common(8) if count + edges[at - 1] + edges[at + 1] >= _LEAST_ROWS]
    best = None
    for at in common:
        x = min(piece.x0 for row in lines for piece in row if abs(round(piece.x0 / 3) - at) <= 1) - 0.01
        for first, last in _clear(lines, rules, x):
            sides = _sides(lines[first:last], x)
            if (best is None or last - first > best[2] - best[1]) and _columns(*sides):
                best = (x, first, last)
    return best


def _clear(lines: Sequence[Row], rules: Sequence[Rule], x: float) -> list[tuple[int, int]]:
    """The runs of rows in which nothing crosses x."""
    across = sorted(rule.top for rule in rules if rule.top == rule.bottom and rule.x0 < x - 1 and rule.x1 > x + 1)
    runs: list[tuple[int, int]] = []
    first, rule = 0, 0
    for index, row in enumerate(lines):
        top = min(piece.base for piece in row)
        ruled = rule < len(across) and across[rule] < top
        while rule < len(across) and across[rule] < top:
            rule += 1
        blocked = any(piece.x0 < x < piece.x1 + _GUTTER * piece.size for piece in row)
        if blocked or ruled:
            runs.append((first, index))
            first = index + blocked
    runs.append((first, len(lines)))
    return [(first, last) for first, last in runs if last - first >= _LEAST_ROWS]


def _sides(lines: Sequence[Row], x: float) -> tuple[list[Row], list[Row]]:
    left = [[piece for piece in row if piece.x0 < x] for row in lines]
    right = [[piece for piece in row if piece.x0 >= x] for row in lines]
    return left, right


def _columns(left: Sequence[Row], right: Sequence[Row]) -> bool:
    """Whether what stands side by side is read one after the other: prose, or lines that are not level."""
    sides = [[row for row in side if row] for side in (left, right)]
    tables = [{piece.cell[0] for row in side for piece in row if piece.cell} for side in sides]
    if tables[0] and tables[1]:
        return tables[0].isdisjoint(tables[1])
    if any(len(side) < _LEAST_ROWS for side in sides):
        return False
    if all(map(_prose, sides)):
        return True
    level = sum(
        bool(a and b) and abs(a[0].base - b[0].base) < 0.08 * max(a[0].size, b[0].size)
        for a, b in zip(left, right, strict=True)
    )
    return level < 0.5 * min(map(len, sides)) and all(_extent(side) > 9 * _size(side) for side in sides)


def _prose(side: Sequence[Row]) -> bool:
    """Most lines are of one piece and as long as the column is wide."""
    extent = _extent(side)
    full = sum(len(row) == 1 and row[0].x1 - row[0].x0 > 0.75 * extent for row in side)
    return extent > 10 * _size(side) and full > 0.5 * len(side)


def _extent(side: Sequence[Row]) -> float:
    starts = sorted(row[0].x0 for row in side)
    ends = sorted(row[-1].x1 for row in side)
    return ends[int(0.9 * (len(ends) - 1))] - starts[int(0.1 * (len(starts) - 1))]


def _size(side: Sequence[Row]) -> float:
    return median(row[0].size for row in side)


def line(row: Row) -> str:
    """A row's text; the dots that lead from a label to its number are none of it."""
    return _LEADERS.sub(GAP, GAP.join(piece.text for piece in row)).replace(2 * GAP, GAP).strip()


def unwrapped(lines: Sequence[Row]) -> str:
    """The lines of a cell as one."""
    return " ".join(map(line, lines)).replace(SOFT + " ", "").replace(SOFT, "-")


def words_of(found: Iterable[Piece]) -> set[str]:
    """How words are written in the middle of lines: what tells a hyphen that ends a line from one of the word.

    Of "high-quality" also "high-", because a text that writes one such compound writes others.
    """
    words: set[str] = set()
    for piece in found:
        for word in map(_bare, piece.text.split()):
            words.add(word)
            first, hyphen, _ = word.partition("-")
            words.add(first + hyphen)
    return words


def _bare(word: str) -> str:
    return word.strip(".,;:!?()[]{}\"'“”„\u2018\u2019»«").lower()


def text(found: Iterable[Piece], known: set[str]) -> str:
    """A page's text in reading order; `known` as for `prose`."""
    return "\n\n".join(prose(block, known) for block in flow(found))


def prose(block: Sequence[Row], known: set[str]) -> str:
    """A block's text: lines joined to paragraphs where they were only broken at the margin, hyphens undone.

    Args:
        known: words as they are written elsewhere (`words_of`).
    """
    right = max((row[-1].x1 for row in block), default=0.0)
    width = right - min((row[0].x0 for row in block), default=0.0)
    steps = [b[0].base - a[0].base for a, b in pairwise(block)]
    step = median(steps) if steps else 0.0
    parts: list[str] = []
    for index, row in enumerate(block):
        if index:
            between = _between(block[index - 1], row, right, width, step)
            if parts[-1].endswith(SOFT):
                parts[-1], rest = _unbroken(parts[-1][:-1], line(row), known)
                parts.append(rest)
                continue
            parts.append(between)
        parts.append(line(row))
    return "".join(parts).replace(SOFT, "-")


def _between(last: Row, row: Row, right: float, width: float, step: float) -> str:
    """What parts two rows of a block in its text: a blank line, a line break, or only a space."""
    a, b = last[-1], row[0]
    size = max(a.size, b.size)
    if b.base - a.base > max(1.45 * step, 1.25 * size) or abs(a.size - b.size) > 0.12 * size:
        return "\n\n"
    hangs = last[0].text[:1] in _BULLETS
    word = (b.x1 - b.x0) * len(b.text.partition(" ")[0]) / len(b.text)
    whole = len(last) == 1 and len(row) == 1 and width > 12 * size and a.x1 + word > right - size  # it did not fit
    indented = (b.x0 - last[0].x0 > 0.8 * size and not hangs) or last[0].x0 - b.x0 > 3 * size
    return " " if whole and not indented and b.text[:1] not in _BULLETS else "\n"


def _unbroken(left: str, right: str, known: set[str]) -> tuple[str, str]:
    """A word that a line's end broke, put together again: the text before it and the text after it."""
    start = left.rpartition(" ")[2]
    end = right.partition(" ")[0]
    first, second = _bare(start), _bare(end)
    whole, compound = first + second, f"{first}-{second}"
    compound_known = compound in known or (first + "-" in known and second in known)
    keep = whole not in known and (compound_known or not end[:1].islower())
    return (left + "-", right) if keep else (left, right)
