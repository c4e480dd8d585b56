"""A document's text on its way to parts: paragraphs under headings, and tables among them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rlm_local.collection.formats.cells import Line, typed
from rlm_local.collection.formats.grid import tables
from rlm_local.collection.formats.part import Part, Rows, Text
from rlm_local.collection.formats.prose.clean import clean

BETWEEN = " | "
"""Between the cells of a row in the text."""

_PIECE = 1 << 18
_MOST_SPANNED = 100_000  # cells that merged ones are repeated in, a table
_WIDEST = 200
_LONG = 400  # characters of a cell that is paragraphs, not a line
_LONGEST_NAME = 80
_LONGEST_NUMBER = 30
_LONGEST_HEADING = 200
_LONGEST_BOLD = 120
BOLD = 10
"""The level of a heading that is one by its looks alone: below all that say that they are headings."""


@dataclass
class Table:
    """A table as it is read: rows of cells; a merged cell stands in each row and column that it covers."""

    name: str = ""
    rows: list[list[str]] = field(default_factory=list[list[str]])
    shown: list[list[str]] = field(default_factory=list[list[str]])
    """The rows as they are read by a person: a cell over several columns once."""
    _below: dict[int, tuple[int, str]] = field(default_factory=dict[int, tuple[int, str]])
    _spanned: int = 0

    def add(self, cells: Sequence[tuple[str, int, int]]) -> None:
        """Add a row of cells: the text of each, and over how many columns and rows it stands."""
        row: list[str] = []
        shown: list[str] = []
        for text, across, down in cells:
            self._from_above(row, shown)
            across = max(1, min(across, _WIDEST, 1 + _MOST_SPANNED - self._spanned))
            self._spanned += across - 1
            if down > 1:
                self._below.update((column, (down - 1, text)) for column in range(len(row), len(row) + across))
            row += [text] * across
            shown.append(text)
        self._from_above(row, shown)
        for line in _lines_of(row) if all(across == 1 for _, across, _ in cells) else (row,):
            self.rows.append(line)
            self.shown.append(shown if line is row else line)

    def _from_above(self, row: list[str], shown: list[str]) -> None:
        """The cells that hang down into this row at the column where it is now."""
        while len(row) in self._below and self._spanned < _MOST_SPANNED:
            column = len(row)
            left, text = self._below.pop(column)
            if left > 1:
                self._below[column] = (left - 1, text)
            self._spanned += 1
            row.append(text)
            shown.append(text)


class Flow:
    """Puts a text together and gives it as parts; `place` and the headings hold for what is added from then on.

    Attributes:
        length: characters that have been added to the document.
    """

    def __init__(self) -> None:
        self.place = ""
        self._headings: list[tuple[int, str]] = []
        self._text: list[str] = []
        self._size = 0
        self.length = 0
        self._parts: list[Part] = []

    def paragraph(self, text: str, end: str = "\n\n") -> None:
        text = clean(text).strip("\n")
        if text and not text.isspace():
            self._add(text + end)

    def heading(self, level: int, text: str) -> None:
        text = " ".join(clean(text).split())
        if text:
            self.cut()
            while self._headings and self._headings[-1][0] >= level:
                self._headings.pop()
            self._headings.append((level, text[:_LONGEST_HEADING]))
            self._add(text + "\n\n")

    def table(self, table: Table) -> None:
        """Add a table: its rows as lines of text, and its records where it has a header and some."""
        lines: list[Line] = []
        for number, (row, shown) in enumerate(zip(table.rows, table.shown, strict=True)):
            start = self.length
            said = [clean(cell).strip() for cell in shown]
            if any(len(cell) > _LONG and "\n" in cell for cell in said):
                self.paragraph("\n\n".join(cell for cell in said if cell))
            elif any(said):
                self._add(BETWEEN.join(" ".join(cell.split()) for cell in said) + "\n")
            cells = [clean(cell).strip() for cell in row]
            lines.append(Line(cells, start, max(start, self.length - 1), number))
        self._add("\n" if lines else "")
        self.cut()
        name = " ".join(clean(table.name).split())[:_LONGEST_NAME]
        for batch in tables(lines):
            if batch.lines and _is_header(batch.columns):
                rows = [tuple(cell or None for cell in line.cells) for line in batch.lines]
                spans = [(line.start, line.end) for line in batch.lines]
                self._parts.append(Rows(name, batch.columns, rows, spans=spans))

    def cut(self) -> None:
        """End the stretch of text: what follows stands at another place or under another heading."""
        if self._text:
            heading = " > ".join(text for _, text in self._headings)
            self._parts.append(Text("".join(self._text), heading, self.place))
            self._text, self._size = [], 0

    def at(self, place: str) -> None:
        """What follows stands at `place`, and under no heading yet."""
        self.cut()
        self.place = place
        self._headings.clear()

    @property
    def ready(self) -> bool:
        """Whether there are parts to take."""
        return bool(self._parts)

    def parts(self) -> Iterator[Part]:
        """The parts that are ready, each once."""
        ready, self._parts = self._parts, []
        yield from ready

    def text(self) -> str:
        """All that is left, as text."""
        return "".join(part.text for part in self.end() if isinstance(part, Text))

    def end(self) -> Iterator[Part]:
        """All that is left."""
        self.cut()
        yield from self.parts()

    def _add(self, text: str) -> None:
        self._text.append(text)
        self._size += len(text)
        self.length += len(text)
        if self._size > _PIECE:
            self.cut()


def is_titled(text: str) -> bool:
    """Whether a paragraph that is bold from its beginning to its end is a heading: one line, and no sentence."""
    text = text.strip()
    short = 2 < len(text) <= _LONGEST_BOLD and "\n" not in text
    return short and text[-1] not in ".,;!?" and any(map(str.isalpha, text))


def _is_header(labels: Sequence[str]) -> bool:
    """Whether the labels of a table are some: not the first of lines "label: value"."""
    said = [label for label in labels if label]
    pairs = len(labels) == 2 and (labels[0].rstrip().endswith(":") or typed(labels[1]))
    return len(said) > 1 and 2 * len(said) >= len(labels) and not pairs


def _lines_of(row: list[str]) -> list[list[str]]:
    """A row whose cells hold as many lines each, numbers among them, as that many rows; else the row."""
    cells = [cell.rstrip("\n").split("\n") for cell in row]
    counts = {len(lines) for lines in cells if len(lines) > 1}
    several = [lines for lines in cells if len(lines) > 1]
    if len(counts) != 1 or len(several) < 2 or not any(_are_numbers(lines) for lines in several):
        return [row]
    count = counts.pop()
    return [[lines[at] if at < len(lines) else "" for lines in cells] for at in range(count)]


def _are_numbers(lines: list[str]) -> bool:
    said = [line for line in lines if line.strip()]
    numbers = sum(any(letter.isdigit() for letter in line) for line in said)
    return 2 * numbers > len(said) > 1 and all(len(line) < _LONGEST_NUMBER for line in said)
