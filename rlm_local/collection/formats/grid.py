"""Tables in a grid of cells: where each begins and ends, what its columns are called, which rows are its records.

A grid is rows of cells as a CSV file, a sheet or a table in a document has them. Above the records may stand titles and
a header of one to three rows, below them totals and remarks; blank rows or a change of width part tables from one
another. Rows are read once, with a hundred in view at the beginning of each table and a few held back before its end.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from rlm_local.collection.formats.cells import Line, filled, joined, names_total, typed
from rlm_local.collection.formats.opening import LONGEST_LABEL, MOST_COLUMNS, MOST_TITLES, RUN, Shape, bare, shape_of
from rlm_local.collection.formats.part import MOST_ROWS

_VIEW = 100  # rows that a table's shape is told from
_HELD = 4  # rows at the end that may be totals and remarks
_MOST_CELLS = 500_000  # given at a time
_MOST_LEFT_OUT = 20
_WIDE = 16


@dataclass(frozen=True)
class Batch:
    """Some records of one table, at most 5,000.

    Attributes:
        table: which table of the grid, from 0.
        titles: the texts above its header.
        columns: a label for each column, as written; empty where there is none.
        lines: the rows, each with as many cells as there are columns.
        left_out: totals, remarks and rows that are no records: the first twenty, with the table's last batch.
        left_out_in_all: how many there were.
    """

    table: int
    titles: tuple[str, ...]
    columns: tuple[str, ...]
    lines: list[Line]
    left_out: tuple[Line, ...] = ()
    left_out_in_all: int = 0


@dataclass
class _Table:
    """A table whose records are being read."""

    titles: tuple[str, ...]
    columns: tuple[str, ...]
    width: int  # cells that most of its rows have
    ready: list[Line] = field(default_factory=list[Line])
    left_out: list[Line] = field(default_factory=list[Line])
    left_out_in_all: int = 0
    totals: int = 0  # records given that are called a total: so it is a category here
    block: int = 0  # where in `ready` the rows since the last blank one begin

    @cached_property
    def most(self) -> int:
        """Rows that wait before some are given."""
        return min(MOST_ROWS, max(1, _MOST_CELLS // len(self.columns))) + _HELD

    def end_block(self) -> None:
        """A blank row: one total at the end of the rows above it is no record."""
        block = self.ready[self.block :]
        if len(block) > 1 and _is_total(block[-1]) and not self.totals and not any(map(_is_total, block[:-1])):
            self.leave_out(self.ready.pop())
        self.block = len(self.ready)

    def leave_out(self, line: Line) -> None:
        self.left_out_in_all += 1
        if len(self.left_out) < _MOST_LEFT_OUT:
            self.left_out.append(line)


def tables(lines: Iterable[Line], joint: str = ", ") -> Iterator[Batch]:
    """The tables of a grid, each as one or more batches in order.

    Args:
        lines: the rows from the top; blank ones too, for they part tables.
        joint: stands between the cells that a row has too many, which are joined in its last one.
    """
    reader = Reader(joint)
    for line in lines:
        yield from reader.take(line)
    yield from reader.end()


class Reader:
    """Rows come in one by one; batches go out as soon as they are sure."""

    def __init__(self, joint: str = ", ") -> None:
        self._joint = joint
        self._count = 0  # tables begun
        self._table: _Table | None = None
        self._titles: list[Line] = []  # rows that stand alone between blank ones
        self._head: list[Line] = []  # rows after a blank one, until their shape is told
        self._odd: list[Line] = []  # rows in a table that have another width, until it is told what they are
        self._fresh = True  # whether the next row begins something

    def take(self, line: Line) -> Iterator[Batch]:
        table = self._table
        if not any(line.cells) and not filled(line.cells):
            yield from self._rest()
            self._fresh = True
        elif table is None or self._fresh:
            self._head.append(line)
            if len(self._head) >= _VIEW:
                yield from self._told()
        elif len(line.cells) == table.width:
            self._odd = self._ragged(self._odd, table) if self._odd else self._odd
            table.ready.append(line)
            if len(table.ready) >= table.most:
                yield self._batch(table, _HELD)
        else:
            yield from self._other_width(line, table)

    def take_alike(self, lines: Sequence[Line]) -> Iterator[Batch]:
        """As `take`, for rows that have equally many cells, not all of them empty: at once where they are records."""
        table = self._table
        if table is None or self._fresh or len(lines[0].cells) != table.width:
            for line in lines:
                yield from self.take(line)
            return
        self._odd = self._ragged(self._odd, table) if self._odd else self._odd
        table.ready += lines
        while len(table.ready) >= table.most:
            yield self._batch(table, len(table.ready) - table.most + _HELD)

    def end(self) -> Iterator[Batch]:
        yield from self._rest()
        if not self._count and self._titles:
            self._head, self._titles = self._titles, []
            yield from self._begin(self._head, shape_of(self._head) or bare(self._head))
        yield from self._close()

    def _rest(self) -> Iterator[Batch]:
        """A blank row or the end: what waits to be told is told, and the total of what stands above is left out."""
        if self._head:
            yield from self._told()
        if self._odd and self._table:
            shape = shape_of(self._odd)
            if shape and shape.sure:
                yield from self._begin(self._odd, shape)
            else:
                self._odd = self._ragged(self._odd, self._table)
        if self._table:
            self._table.end_block()

    def _told(self) -> Iterator[Batch]:
        """What the rows after a blank one are: the open table's, or the beginning of another one, or titles."""
        head, self._head = self._head, []
        last = self._titles[-1:]
        if last and len(last[0].cells) == len(head[0].cells) and filled(last[0].cells) >= 2:
            head = [self._titles.pop(), *head]  # a header, with a blank row below it
        shape = shape_of(head)
        table = self._table
        if shape is None:
            self._titles += head[: MOST_TITLES - len(self._titles)]
        elif table is None or shape.width != table.width or len(shape.columns) > len(table.columns):
            yield from self._begin(head, shape)
        elif shape.columns == table.columns and not shape.titles and not self._titles:
            yield from self._go_on(head[shape.skip :])
        elif not shape.sure and (shape.skip == 0 or not self._titles):
            yield from self._go_on(head)
        else:
            yield from self._begin(head, shape)

    def _begin(self, head: list[Line], shape: Shape) -> Iterator[Batch]:
        yield from self._close()
        titles = tuple(
            text for line in (*self._titles, *head[: shape.titles]) if (text := joined(line.cells)[:LONGEST_LABEL])
        )
        self._titles, self._odd, self._head = [], [], []
        self._count += 1
        self._table = _Table(titles, shape.columns, shape.width)
        yield from self._go_on(head[shape.skip :])

    def _go_on(self, lines: list[Line]) -> Iterator[Batch]:
        if self._table:
            for line in self._titles:
                self._table.leave_out(line)
        self._titles = []
        self._fresh = False
        for line in lines:
            yield from self.take(line)

    def _other_width(self, line: Line, table: _Table) -> Iterator[Batch]:
        if self._odd and len(self._odd[-1].cells) not in (1, len(line.cells)):
            self._odd = self._ragged(self._odd, table)
        self._odd.append(line)
        alike = sum(len(other.cells) == len(line.cells) for other in self._odd[-RUN:])
        if alike == RUN and len(line.cells) > 1:
            shape = shape_of(self._odd)
            if shape and shape.sure:
                yield from self._begin(self._odd, shape)
            else:
                self._odd = self._ragged(self._odd, table)
        elif len(self._odd) >= MOST_TITLES:
            self._odd = self._ragged(self._odd, table)
        if len(table.ready) >= table.most:
            yield self._batch(table, _HELD)

    def _ragged(self, lines: list[Line], table: _Table) -> list[Line]:
        """Rows of another width are the table's all the same, but for those that have nearly nothing of it."""
        for line in lines:
            cells = len(line.cells)
            if (cells == 1 and table.width > 2) or (cells * 2 < table.width and table.width > _WIDE):
                table.leave_out(line)
            else:
                table.ready.append(line)
        return []

    def _batch(self, table: _Table, held: int) -> Batch:
        upto = len(table.ready) - held
        lines, table.ready = table.ready[:upto], table.ready[upto:]
        table.block = max(0, table.block - upto)
        table.totals += _totals(lines)
        wanted = len(table.columns)
        fitting = [line if len(line.cells) == wanted else self._fit(line, wanted) for line in lines]
        return Batch(self._count - 1, table.titles, table.columns, fitting)

    def _fit(self, line: Line, wanted: int) -> Line:
        cells = line.cells
        if len(cells) < wanted:
            cells = (*cells, *("",) * (wanted - len(cells)))
        elif len(cells) > wanted:
            more = cells[wanted:] if wanted < MOST_COLUMNS else ()
            cells = tuple(cells[:wanted])
            if filled(more):
                cells = (*cells[:-1], self._joint.join(map(str, (cells[-1], *more))))
        return line._replace(cells=cells)

    def _close(self) -> Iterator[Batch]:
        """The open table ends; totals and remarks at its end are left out."""
        table, self._table = self._table, None
        if table is None:
            return
        for line in self._titles if not self._head else ():
            table.leave_out(line)
        earlier = table.totals + _totals(table.ready[:-_HELD])
        last = len(table.ready)
        while last > max(0, len(table.ready) - _HELD):
            line = table.ready[last - 1]
            if not (_is_remark(line, table.width) or (_is_total(line) and not earlier)):
                break
            last -= 1
        for line in table.ready[last:]:
            table.leave_out(line)
        del table.ready[last:]
        batch = self._batch(table, 0)
        yield replace(batch, left_out=tuple(table.left_out), left_out_in_all=table.left_out_in_all)


def _is_total(line: Line) -> bool:
    return names_total(next((cell for cell in line.cells if cell is not None and cell != ""), None))


def _totals(lines: Sequence[Line]) -> int:
    """How many rows begin with a word for a total."""
    firsts = (line.cells[0] for line in lines)
    return sum(1 for first in firsts if isinstance(first, str) and first[:1].isalpha() and names_total(first))


def _is_remark(line: Line, width: int) -> bool:
    cell = line.cells[0] if line.cells else None
    return width > 2 and isinstance(cell, str) and " " in cell.strip() and not typed(cell) and filled(line.cells) == 1
