"""Tables in a grid of cells: where each begins and ends, what its columns are called, which rows are its records.

A grid is rows of cells as a CSV file, a sheet or a table in a document has them. Above the records may stand titles and
a header of one to three rows, below them totals and remarks; blank rows or a change of width part tables from one
another. Rows are read once, with a hundred in view at the beginning of each table and a few held back before its end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rlm_local.collection.formats.part import MOST_ROWS, Cell

MOST_COLUMNS = 1_000
"""Columns of a table; cells beyond are left out of its records, and stay in the text."""
_VIEW = 100  # rows that a table's shape is told from
_HELD = 4  # rows at the end that may be totals and remarks
_MOST_TITLES = 20
_MOST_HEADERS = 4
_MOST_CELLS = 500_000  # given at a time
_MOST_LEFT_OUT = 20
_RUN = 3  # rows alike that show a width
_WIDE = 16
_MOSTLY = 0.7
_LONGEST_LABEL = 200
_LONGEST_GROUP = 60  # a label above other labels; a longer one is a title
_LONGEST_WEAK = 80  # a label where nothing but its looks says that it is one
_LONGEST_TYPED = 40
_MOST_LETTERS = 3  # in a number or a date: a unit, a currency, a month's short name
_SIGNS = frozenset("+-\N{MINUS SIGN}(.,$€£¥<>~#")
_TOTALS = frozenset(
    (
        "total|totals|grand total|overall total|subtotal|sub-total|sum|summe|gesamt|gesamtsumme|insgesamt|"
        "zwischensumme|somme|total général|totale|suma|razem|totaal|summa|soma|итого|всего|合计|总计|合計|総計|"
        "합계|총계"
    ).split("|")
)
_NOTHING = frozenset(("", "-", "\N{EN DASH}", "—", "..", "...", "n/a", "na", "n.a.", "null", "none", "nan", "*", "?"))


class Line(NamedTuple):
    """One row of a grid: its cells, from which to which character it stands in the text, and its number from 0."""

    cells: Sequence[Cell]
    start: int
    end: int
    number: int


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


@dataclass(frozen=True)
class _Shape:
    """What the first rows of a table say: rows of titles, rows in all above the records, labels, cells a row.

    `sure`: that the types of the columns show the header to be one.
    """

    titles: int
    skip: int
    columns: tuple[str, ...]
    width: int
    sure: bool


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


def filled(cells: Sequence[Cell]) -> int:
    """How many cells say something."""
    return sum(not _blank(cell) for cell in cells)


def typed(cell: Cell) -> bool:
    """Whether a cell is a number, a date, a time or a flag rather than words, by its looks alone."""
    if not isinstance(cell, str):
        return cell is not None
    text = cell.strip()
    if not text or len(text) > _LONGEST_TYPED or not (text[0].isdigit() or text[0] in _SIGNS):
        return False
    return sum(map(str.isalpha, text)) <= _MOST_LETTERS and any(map(str.isdigit, text))


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
            if len(table.ready) >= self._most(table):
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
        while len(table.ready) >= self._most(table):
            yield self._batch(table, len(table.ready) - self._most(table) + _HELD)

    def end(self) -> Iterator[Batch]:
        yield from self._rest()
        if not self._count and self._titles:
            self._head, self._titles = self._titles, []
            yield from self._begin(self._head, _shape(self._head) or _bare(self._head))
        yield from self._close()

    def _rest(self) -> Iterator[Batch]:
        """A blank row or the end: what waits to be told is told."""
        if self._head:
            yield from self._told()
        if self._odd and self._table:
            shape = _shape(self._odd)
            if shape and shape.sure:
                yield from self._begin(self._odd, shape)
            else:
                self._odd = self._ragged(self._odd, self._table)

    def _told(self) -> Iterator[Batch]:
        """What the rows after a blank one are: the open table's, or the beginning of another one, or titles."""
        head, self._head = self._head, []
        last = self._titles[-1:]
        if last and len(last[0].cells) == len(head[0].cells) and filled(last[0].cells) >= 2:
            head = [self._titles.pop(), *head]  # a header, with a blank row below it
        shape = _shape(head)
        table = self._table
        if shape is None:
            self._titles += head[: _MOST_TITLES - len(self._titles)]
        elif table is None or shape.width != table.width:
            yield from self._begin(head, shape)
        elif shape.columns == table.columns and not shape.titles and not self._titles:
            yield from self._go_on(head[shape.skip :])
        elif not shape.sure and (shape.skip == 0 or not self._titles):
            yield from self._go_on(head)
        else:
            yield from self._begin(head, shape)

    def _begin(self, head: list[Line], shape: _Shape) -> Iterator[Batch]:
        yield from self._close()
        titles = tuple(
            text for line in (*self._titles, *head[: shape.titles]) if (text := _joined(line.cells)[:_LONGEST_LABEL])
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
        alike = sum(len(other.cells) == len(line.cells) for other in self._odd[-_RUN:])
        if alike == _RUN and len(line.cells) > 1:
            shape = _shape(self._odd)
            if shape and shape.sure:
                yield from self._begin(self._odd, shape)
            else:
                self._odd = self._ragged(self._odd, table)
        elif len(self._odd) >= _MOST_TITLES:
            self._odd = self._ragged(self._odd, table)
        if len(table.ready) >= self._most(table):
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

    def _most(self, table: _Table) -> int:
        return min(MOST_ROWS, max(1, _MOST_CELLS // len(table.columns))) + _HELD

    def _batch(self, table: _Table, held: int) -> Batch:
        upto = len(table.ready) - held
        lines, table.ready = table.ready[:upto], table.ready[upto:]
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


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace()))


def _is_total(line: Line) -> bool:
    return _names_total(next((cell for cell in line.cells if cell is not None and cell != ""), None))


def _totals(lines: Sequence[Line]) -> int:
    """How many rows begin with a word for a total."""
    firsts = (line.cells[0] for line in lines)
    return sum(1 for first in firsts if isinstance(first, str) and first[:1].isalpha() and _names_total(first))


def _names_total(cell: Cell) -> bool:
    return isinstance(cell, str) and len(cell) <= _LONGEST_TYPED and cell.strip(" :.*\t").casefold() in _TOTALS


def _is_remark(line: Line, width: int) -> bool:
    cell = line.cells[0] if line.cells else None
    return width > 2 and isinstance(cell, str) and " " in cell.strip() and not typed(cell) and filled(line.cells) == 1


def _joined(cells: Sequence[Cell]) -> str:
    texts = [" ".join(str(cell).split()) for cell in cells if cell is not None]
    return " ".join(text for text in texts if text)


def _shape(head: Sequence[Line]) -> _Shape | None:
    """How a table begins with these rows; None where they are too few or too narrow to be one."""
    width = _width(head)
    counts = [filled(line.cells) for line in head]
    typical = sorted(counts)[len(counts) // 2]
    if width < 2 or typical < 2:
        return _bare(head) if len(head) > _MOST_TITLES else None
    at = 0
    while at < min(len(head), _MOST_TITLES) and (counts[at] < 2 or counts[at] * 3 <= typical):
        at += 1
    titles = at
    while at < min(len(head) - 1, titles + _MOST_HEADERS) and counts[at] * 2 < typical:
        at += 1  # labels of groups of columns, each written once
    if len(head) - at < 2:
        return None
    headers, sure = _header(head[at:], width)
    if not headers:
        at = titles
    columns = _labels(head[titles : at + headers], at - titles, width) if headers else ("",) * width
    used = max((place for line in head for place, cell in enumerate(line.cells) if filled((cell,))), default=0) + 1
    while len(columns) > used and not columns[-1]:
        columns = columns[:-1]
    return _Shape(titles, at + headers, columns[:MOST_COLUMNS], width, sure)


def _bare(head: Sequence[Line]) -> _Shape:
    """The shape of rows that are a table because nothing else is there: a list, or a header alone."""
    width = max(len(line.cells) for line in head)
    headers, sure = _header(head, width) if len(head) > 1 else (int(not any(map(typed, head[0].cells))), False)
    columns = _labels(head[:headers], 0, width) if headers else ("",) * width
    return _Shape(0, headers, columns[:MOST_COLUMNS], width, sure)


def _width(head: Sequence[Line]) -> int:
    """Cells that the rows of the first table have: of the first rows that are alike, else of most."""
    widths = [len(line.cells) for line in head]
    for at in range(len(widths) - _RUN + 1):
        if widths[at] > 1 and len(set(widths[at : at + _RUN])) == 1:
            return widths[at]
    return Counter(widths).most_common(1)[0][0]


def _header(rows: Sequence[Line], width: int) -> tuple[int, bool]:
    """How many rows are header, and whether the types of the columns show it.

    A header has words where its column has numbers or dates. Where no column has, it is a row of short texts, no two
    the same, none of which comes again below.
    """
    first = rows[0].cells
    more = min(_MOST_HEADERS - 1, (len(rows) - 1) // 3)  # rows that may be header, too
    body = [line.cells for line in rows[1 + more :]]
    for_it = against = again = 0
    numeric: list[int] = []
    times: list[str] = []
    for place in range(min(width, len(first), MOST_COLUMNS)):
        label = first[place]
        values = [cells[place] for cells in body if place < len(cells) and not says_nothing(cells[place])]
        if not values:
            continue
        if sum(map(typed, values)) >= _MOSTLY * len(values):
            numeric.append(place)
            if _in_time(label) and not all(map(_in_time, values)):
                times.append(str(label))
            elif typed(label):
                against += 1
            elif not says_nothing(label):
                for_it += 1
        elif not says_nothing(label):
            again += label in values
    if len(set(times)) > 1 and times in (sorted(times), sorted(times, reverse=True)):
        for_it += len(times)
    else:
        against += len(times)
    if for_it > 2 * against:
        return _header_rows(rows, numeric), True
    labels = [str(cell).strip().casefold() for cell in first if not says_nothing(cell)]
    distinct = len(set(labels)) == len(labels) and all(len(label) <= _LONGEST_WEAK for label in labels)
    weak = not against and not again and distinct and len(labels) >= _MOSTLY * min(width, len(first))
    return int(weak), False


def _header_rows(rows: Sequence[Line], numeric: list[int]) -> int:
    """A header goes on as long as its columns of numbers have words."""
    count = 1
    while count < min(_MOST_HEADERS, len(rows) - 2):
        cells = rows[count].cells
        said = [cells[place] for place in numeric if place < len(cells) and not says_nothing(cells[place])]
        if not said or any(map(typed, said)):
            break
        count += 1
    return count


def _labels(rows: Sequence[Line], groups: int, width: int) -> tuple[str, ...]:
    """A label for each column out of the header's rows; the first `groups` of them name several columns each."""
    parts: list[list[str]] = [[] for _ in range(max(width, len(rows[-1].cells)))]
    for number, line in enumerate(rows):
        cells = list(line.cells)
        if number == len(rows) - 1 and len(cells) == width - 1:
            cells = ["", *cells]  # the names of rows have no label of their own
        text = ""
        for place, part in enumerate(parts):
            own = " ".join(str(cells[place]).split()) if place < len(cells) and cells[place] is not None else ""
            text = own or (text if number < groups else "")
            if text and text not in part[-1:] and (len(text) <= _LONGEST_GROUP or number == len(rows) - 1):
                part.append(text)
    return tuple(" ".join(part)[:_LONGEST_LABEL] for part in parts)


def says_nothing(cell: Cell) -> bool:
    """Whether a cell is empty, or what people write for nothing: a dash, "n/a"."""
    return cell is None or (isinstance(cell, str) and len(cell) < 8 and cell.strip().casefold() in _NOTHING)


def _in_time(cell: Cell) -> bool:
    """Whether a cell is a year, a month or a day, as headers of columns over time are."""
    text = str(cell)
    if len(text) == len("2000"):
        return text.isdecimal() and "1500" <= text <= "2200"
    return len(text) in (7, 10) and text[4] == "-" and text.replace("-", "").isdecimal()
