"""The tables of records as Python sees them: rows to go through, with an attribute for each column."""

from collections.abc import Callable, Iterator
from typing import Any

from .missing import MISSING
from .row import Row, Rows, missing

_KEPT = 100_000
"""Rows of a table that are kept once they were read; a larger one is read anew each time, in pieces."""

_PIECE = 5_000

Ask = Callable[..., Rows]
"""Runs a query with parameters, however many rows it has."""


class Table:
    """One table. What a row does not give is MISSING, which is None for all that matters.

    Args:
        ask: runs a query with parameters.
        name, columns, rows: of the table.
    """

    def __init__(self, ask: Ask, name: str, columns: tuple[str, ...], rows: int) -> None:
        self._ask, self._name, self._columns, self._rows = ask, name, columns, rows
        self._read: list[Row] | None = None

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[Row]:
        if self._rows > _KEPT:
            return self._pieces()
        if self._read is None:
            self._read = list(self._pieces())
        return iter(self._read)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, str):
            return [row[place] for row in self]
        return list(self)[place]  # pyright: ignore[reportUnknownVariableType]

    def __getattr__(self, name: str) -> list[Any]:
        """The values of a column, one of each row."""
        if name.startswith("_"):  # of no column; and a copy of a table has none yet
            raise AttributeError(name)
        if name.casefold() not in map(str.casefold, self._columns):
            raise AttributeError(missing(name, self._columns))
        return self[name]

    def __repr__(self) -> str:
        return f"<table {self._name}: {self._rows} rows of {', '.join(self._columns)}>"

    def _pieces(self) -> Iterator[Row]:
        names = ", ".join(f'"{column}"' for column in self._columns)
        last = 0
        while True:
            query = f'SELECT _id, {names} FROM "{self._name}" WHERE _id > ? ORDER BY _id LIMIT {_PIECE}'  # noqa: S608 - names of the collection's own
            piece = self._ask(query, (last,))
            if not piece:
                return
            last = piece[-1][0]
            yield from map(filled, piece)


def filled(row: Row) -> Row:
    """A row in which what it does not give is MISSING."""
    return type(row)(MISSING if row[at] is None else row[at] for at in range(len(row)))
