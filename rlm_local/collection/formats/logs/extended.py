"""Logs in W3C's extended format, as IIS writes them: lines that begin with "#" say what the columns are."""

from collections.abc import Iterator

from rlm_local.collection.formats.part import MOST_ROWS, Cell, Rows

_FIELDS = "#Fields:"
_HEAD = 40
"""Lines among which the columns are named."""
_MOST_COLUMNS = 200
_MOST_FORMS = 100
"""Times that the columns are named anew; lines after it have to have those that were named last."""
_LONGEST_LINE = 100_000


def is_extended(head: str) -> bool:
    """Whether a text begins as such a log does."""
    return head.startswith("#") and any(line.startswith(_FIELDS) for line in head.split("\n", _HEAD)[:_HEAD])


class Extended:
    """Reads every line as a row. A day and a time of day that stand apart are one time, in UTC as the format says."""

    problem = ""

    def __init__(self, table: str) -> None:
        self._table = table
        self._columns: tuple[str, ...] = ()
        self._forms = 0

    def rows(self, text: str, start: int) -> Iterator[Rows]:
        """The requests of a stretch of whole lines, which begins at `start` of the log's text."""
        rows: list[tuple[Cell, ...]] = []
        spans: list[tuple[int, int]] = []
        for line in text.split("\n"):
            end = start + len(line)
            if line.startswith(_FIELDS) and self._forms < _MOST_FORMS:
                columns = tuple(line[len(_FIELDS) : _LONGEST_LINE].split()[:_MOST_COLUMNS])
                if columns != self._columns:
                    self._forms += 1
                    yield from self._given(rows, spans)
                    rows, spans, self._columns = [], [], columns
            elif line and line[0] != "#" and len(line) <= _LONGEST_LINE:
                cells = _cells(line)
                if len(cells) == len(self._columns):
                    rows.append(tuple(cells))
                    spans.append((start, end))
            if len(rows) == MOST_ROWS:
                yield from self._given(rows, spans)
                rows, spans = [], []
            start = end + 1
        yield from self._given(rows, spans)

    def _given(self, rows: list[tuple[Cell, ...]], spans: list[tuple[int, int]]) -> Iterator[Rows]:
        if not rows:
            return
        columns = self._columns
        if "date" in columns and "time" in columns:
            day, clock = columns.index("date"), columns.index("time")
            others = [place for place in range(len(columns)) if place not in (day, clock)]
            rows = [(f"{row[day]} {row[clock]}", *(row[place] for place in others)) for row in rows]
            columns = ("timestamp", *(columns[place] for place in others))
        yield Rows(self._table, columns, rows, spans, kind="lines")


def _cells(line: str) -> list[Cell]:
    """The cells of a line; a text in quotes is one, and a plus stands for a space in the others."""
    if '"' not in line:
        return [_cell(word) for word in line.split()]
    cells: list[Cell] = []
    for place, piece in enumerate(line.split('"')):
        cells += [piece] if place % 2 else [_cell(word) for word in piece.split()]
    return cells


def _cell(word: str) -> Cell:
    return None if word == "-" else word.replace("+", " ")
