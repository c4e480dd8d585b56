"""A page's blocks on their way to text and records: paragraphs, and tables that may go on on the next page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rlm_local.collection.formats import layout, ruled
from rlm_local.collection.formats.cells import Line
from rlm_local.collection.formats.flow import BETWEEN
from rlm_local.collection.formats.grid import Batch, Reader
from rlm_local.collection.formats.layout import Piece, Row, Rule
from rlm_local.collection.formats.part import Rows

_NEAR = 6.0
_LONGEST_NAME = 120
_REPEATED = 3
_CAPTION_WITHIN = 4
_CAPTIONS = ("table ", "tabelle ", "tab. ", "tableau ", "tabla ", "tabella ", "tabela ", "tabel ", "表")


@dataclass(frozen=True)
class Found:
    """A table of a page: its rows with as many cells each, where its columns begin, and its caption."""

    lines: list[Line]
    columns: tuple[float, ...]
    name: str


class Written:
    """The text of a page, put together block by block; `tables` are those in it.

    Args:
        start: characters of the document before this page.
        known: as for `layout.prose`.
        rules: lines that are drawn on the page.
    """

    def __init__(self, start: int, known: set[str], rules: Sequence[Rule] = ()) -> None:
        self.text = ""
        self.tables: list[Found] = []
        self._start = start
        self._after = 0  # where the last table ends
        self._known = known
        self._rules = rules

    def block(self, block: Sequence[Row]) -> None:
        """Add a block that `layout.flow` gave."""
        at = 0
        while at < len(block):
            tables = _tables(block[at])
            end = at + 1
            while end < len(block) and _tables(block[end]) == tables:
                end += 1
            for table in tables:
                self._ruled([[piece for piece in row if _of(piece, table, tables[0])] for row in block[at:end]])
            if not tables:
                self._plain(block[at:end])
            at = end

    def _plain(self, rows: Sequence[Row]) -> None:
        at = 0
        for run in ruled.aligned(rows):
            self._prose(rows[at : run.first])
            lines: list[Line] = []
            for number, row in enumerate(rows[run.first : run.last]):
                cells = ruled.cells_of(row, run.columns, self._rules)
                line = self._line(layout.line(row), cells, number)
                lines.append(_with_label(lines, line) or line)
            self._add(lines, tuple(x0 for x0, _ in run.columns))
            at = run.last
        self._prose(rows[at:])

    def _prose(self, rows: Sequence[Row]) -> None:
        if text := layout.prose(rows, self._known).strip("\n"):
            self.text += text + "\n\n"

    def _ruled(self, rows: Sequence[Row]) -> None:
        lines: list[Line] = []
        columns: dict[int, float] = {}
        for number, row in enumerate(rows):
            pieces = [piece for piece in row if piece.cell]
            cells = [""] * max(piece.cell[2] for piece in pieces if piece.cell)
            for piece in pieces:
                if piece.cell:
                    cells[piece.cell[1]] = piece.text
                    columns[piece.cell[1]] = piece.x0
            beside = [piece.text for piece in row if not piece.cell]
            label = len(cells) == 2 and cells[0].endswith(":")
            text = (" " if label else BETWEEN).join(cells)
            lines.append(self._line(layout.GAP.join((text, *beside)), cells, number))
        self._add(lines, tuple(columns[at] for at in sorted(columns)))

    def _line(self, text: str, cells: list[str], number: int) -> Line:
        start = self._start + len(self.text)
        self.text += text.replace(layout.SOFT, "-") + "\n"
        return Line(cells, start, self._start + len(self.text) - 1, number)

    def _add(self, lines: list[Line], columns: tuple[float, ...]) -> None:
        above = self.text[self._after : lines[0].start - self._start].split("\n\n")[-_CAPTION_WITHIN:]
        name = next((text for text in reversed(above) if text.lower().startswith(_CAPTIONS)), "")
        name = " ".join(name.split())[:_LONGEST_NAME]
        self.tables.append(Found(lines, columns, name))
        self.text += "\n"
        self._after = len(self.text)


def _tables(row: Row) -> list[int]:
    return sorted({piece.cell[0] for piece in row if piece.cell})


def _with_label(lines: list[Line], line: Line) -> Line | None:
    """A row whose label begins on the line above it, where nothing else stands: both as one."""
    said = lines[-1].cells if lines else ()
    first, here = str(said[0]) if said else "", str(line.cells[0])
    if not first or any(said[1:]) or not here[:1].islower() or not any(line.cells[1:]):
        return None
    return line._replace(cells=[f"{first} {here}", *line.cells[1:]], start=lines.pop().start)


def _of(piece: Piece, table: int, first: int) -> bool:
    """Whether a piece is the table's; what stands beside tables goes with the first one."""
    return piece.cell[0] == table if piece.cell else table == first


class Tables:
    """The tables of a document: one that goes on on the next page is one, without the labels that are repeated."""

    def __init__(self) -> None:
        self._reader: Reader | None = None
        self._columns: tuple[float, ...] = ()
        self._heads: list[tuple[str, ...]] = []
        self._name = ""
        self._places: dict[int, str] = {}
        self._number = 0

    def take(self, place: str, table: Found) -> Iterator[Rows]:
        """A page's next table; gives the records that are sure."""
        if self._reader is None or not self._goes_on(table):
            yield from self.end()
            self._reader = Reader()
            self._columns, self._name, self._number = table.columns, table.name, 0
            self._heads = [tuple(map(str, line.cells)) for line in table.lines[:_REPEATED]]
            lines = table.lines
        else:
            repeated = 0
            while repeated < len(self._heads) and _same(table.lines, repeated, self._heads):
                repeated += 1
            lines = table.lines[repeated:]
        for line in lines:
            self._places[self._number] = f"{place}, row {line.number + 1}"
            for batch in self._reader.take(line._replace(number=self._number)):
                yield from self._rows(batch)
            self._number += 1

    def end(self) -> Iterator[Rows]:
        """The records that are left."""
        if self._reader:
            for batch in self._reader.end():
                yield from self._rows(batch)
        self._reader = None
        self._places = {}

    def _goes_on(self, table: Found) -> bool:
        if len(table.columns) != len(self._columns):
            return False
        return all(abs(a - b) < _NEAR for a, b in zip(table.columns, self._columns, strict=True)) or _same(
            table.lines, 0, self._heads
        )

    def _rows(self, batch: Batch) -> Iterator[Rows]:
        labelled = sum(map(bool, batch.columns))
        if batch.lines and labelled > 1 and 2 * labelled >= len(batch.columns):
            yield Rows(
                self._name,
                batch.columns,
                [tuple(cell or None for cell in line.cells) for line in batch.lines],
                spans=[(line.start, line.end) for line in batch.lines],
                places=[self._places.pop(line.number, "") for line in batch.lines],
            )


def _same(lines: Sequence[Line], at: int, heads: Sequence[tuple[str, ...]]) -> bool:
    return at < len(lines) and tuple(map(str, lines[at].cells)) == heads[at]
