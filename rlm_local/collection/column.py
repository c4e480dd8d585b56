"""A column of a file's records while the file is read: its type, and its cells as values."""

from collections.abc import Sequence
from typing import cast

from rlm_local.collection.formats.part import Cell
from rlm_local.collection.reading import ENOUGH, NONE, TEXT, Reading, Unfit, Value, at_once, decide, reader
from rlm_local.collection.safe import cleaned

_SAMPLE = 1_000
"""How many different cells decide how a column is read."""
_KNOWN = 100_000
"""How many different cells have their values remembered, and how long these cells may be."""
_LONG = 200
_LONGEST = 1_000_000
"""Characters of a value."""
_TOLERATED = 1 - ENOUGH
"""The share of the given cells that may fail to fit."""


class Column:
    """Reads the cells of one column, batch after batch.

    Args:
        key, label: its name, which is unique among the columns of its records; and the name as written.
        reading: how it is read, if that is known.
    """

    def __init__(self, key: str, label: str, reading: Reading | None = None) -> None:
        self.key, self.label = key, label
        self.reading = reading or NONE
        self.imposed = reading is not None
        self.given = 0
        self.unfit: dict[str, int] = {}
        self._sample: dict[Cell, None] = {}
        self._known: dict[Cell, tuple[Value, str | None]] = {}
        self._misfits: set[Cell] = set()
        self._read = reader(self.reading)

    def values(self, cells: Sequence[Cell]) -> tuple[Sequence[Value], Sequence[str | None] | None]:
        """The cells as values, and what stands beside values (units, zones) if the reading has that."""
        types = set(map(type, cells))
        types.discard(type(None))
        if not types:
            return cells, [None] * len(cells) if self.reading.beside else None
        if bool in types and len(types) > 1:  # as keys of a dictionary, True and 1 are the same
            cells = [("true" if cell else "false") if isinstance(cell, bool) else cell for cell in cells]
        if self.reading.kind in ("none", "text"):  # all else that values are made of is checked where it is read
            cells = _bounded(cells)
        if not self.imposed and self.reading.kind == "none":
            self._sample = dict.fromkeys(dict.fromkeys(cells)) if len(cells) <= _SAMPLE else self._some(cells)
            self._be(decide(self.label, self._sample))
        if types == {str}:
            texts = cast("Sequence[str]", ["" if cell is None else cell for cell in cells] if None in cells else cells)
            values = at_once(self.reading, texts)
            if values is not None:
                self.given += len(values) - values.count(None)
                return values, None
        if self.reading.kind == "text":
            return self._texts(cells), None
        return self._others(cells)

    def again(self) -> Reading | None:
        """How to read it instead, if too many cells did not fit; None if all is well."""
        missed = sum(self.unfit.values())
        if self.imposed or missed <= _TOLERATED * self.given:
            return None
        seen = [*self._sample, *self.unfit]
        other = decide(self.label, seen)
        return TEXT if other == self.reading else other

    def _some(self, cells: Sequence[Cell]) -> dict[Cell, None]:
        different = dict.fromkeys(cells)
        step = max(1, len(different) // _SAMPLE)
        return dict.fromkeys(list(different)[::step])

    def _be(self, reading: Reading) -> None:
        self.reading = reading
        self._read = reader(reading)
        self._known.clear()
        self._misfits.clear()

    def _texts(self, cells: Sequence[Cell]) -> Sequence[Value]:
        values = {cell: self._read(cell)[0] for cell in set(cells)}
        found = list(map(values.__getitem__, cells))
        self.given += len(found) - found.count(None)
        return found

    def _others(self, cells: Sequence[Cell]) -> tuple[Sequence[Value], Sequence[str | None] | None]:
        if len(self._known) > _KNOWN:
            self._known.clear()
            self._misfits.clear()
        known = self._known
        for cell in set(cells):
            if cell not in known:
                try:
                    known[cell] = self._read(cell)
                except Unfit:
                    known[cell] = (None, None)
                    self._misfits.add(cell)
        if not self._misfits.isdisjoint(cells):
            self._count_unfit(cells)
        read = list(map(known.__getitem__, cells))
        values = [value for value, _ in read]
        self.given += len(values) - values.count(None)
        return values, [beside for _, beside in read] if self.reading.beside else None

    def _count_unfit(self, cells: Sequence[Cell]) -> None:
        for cell in cells:
            if cell in self._misfits:
                self.given += 1
                shown = str(cell)[:80]
                if shown in self.unfit or len(self.unfit) < _SAMPLE:
                    self.unfit[shown] = self.unfit.get(shown, 0) + 1
                else:
                    self.unfit[next(iter(self.unfit))] += 1


def _bounded(cells: Sequence[Cell]) -> Sequence[Cell]:
    """The cells with what may not stand in text replaced, and none longer than a million characters."""
    texts = [cell for cell in cells if type(cell) is str]
    if not texts:
        return cells
    joined = " ".join(texts)
    if len(joined) < _LONGEST and cleaned(joined) is joined:
        return cells
    return [cleaned(cell[:_LONGEST]) if isinstance(cell, str) else cell for cell in cells]
