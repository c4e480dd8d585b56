"""The sets of records of one file: which rows belong together, and their cells as values."""

import json
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Protocol

from rlm_local.collection.column import Column
from rlm_local.collection.formats.part import Cell, Rows
from rlm_local.collection.labels import LONGEST, shortened
from rlm_local.collection.reading import Reading, dumped
from rlm_local.collection.safe import line

MOST_COLUMNS = 200
"""Columns of a set; what more a row has stands as JSON in a last one."""
MORE = "more"

_BUFFERED = 5_000
_ALIKE = 0.6
_MOST_SETS = 500
"""Sets of records of a file; what comes after goes without."""


class Target(Protocol):
    """Where rows go: the spool."""

    def group(self) -> int: ...
    def begin(self, group: int, columns: Sequence[str]) -> None: ...
    def widen(self, group: int, column: str) -> None: ...
    def rows(self, group: int, columns: int, rows: Sequence[Sequence[object]]) -> None: ...
    def grouped(self, group: int, row: Sequence[object]) -> None: ...
    def note(self, file: int, document: int | None, problem: str, place: str = "") -> None: ...


class Records:
    """Takes the rows of a file.

    Args:
        imposed: how to read columns, by the number of their set and their key.
    """

    def __init__(self, target: Target, imposed: Mapping[int, Mapping[str, Reading]]) -> None:
        self._target, self._imposed = target, imposed
        self._sets: list[_Set] = []
        self._known: dict[tuple[str, str, tuple[str, ...]], tuple[_Set, list[int]]] = {}
        self._left_out = 0

    def add(self, part: Rows, document: int) -> None:
        """Some rows, in a document."""
        if not part.rows:
            return
        form = (part.table, part.kind, part.columns)
        if form not in self._known:
            labels = shortened(part.columns)
            keys = _keys(labels)
            own = self._own(part, keys)
            if own is None:
                self._left_out += len(part.rows)
                return
            if len(self._known) > _MOST_SETS:
                self._known.clear()
            self._known[form] = own, own.places(keys, labels)
        own, places = self._known[form]
        own.add(part, document, places)

    def end(self, file: int) -> dict[int, dict[str, Reading]]:
        """The rest of the rows. Returns the columns that have to be read another way, with those that need not be."""
        again: dict[int, dict[str, Reading]] = {}
        for ordinal, own in enumerate(self._sets):
            own.flush()
            others = {column.key: other for column in own.columns if (other := column.again())}
            if others:
                again[ordinal] = {column.key: column.reading for column in own.columns} | others
        if again:
            return {**{o: {c.key: c.reading for c in s.columns} for o, s in enumerate(self._sets)}, **again}
        for ordinal, own in enumerate(self._sets):
            own.finish(file, ordinal)
        if self._left_out:
            self._target.note(file, None, f"{self._left_out} rows are left out: more than {_MOST_SETS} kinds of them")
        return {}

    def _own(self, part: Rows, keys: Sequence[str]) -> "_Set | None":
        for own in self._sets:
            if own.takes(part, keys):
                return own
        if len(self._sets) >= _MOST_SETS:
            return None
        own = _Set(self._target, part, self._imposed.get(len(self._sets), {}))
        self._sets.append(own)
        return own


class _Set:
    def __init__(self, target: Target, part: Rows, imposed: Mapping[str, Reading]) -> None:
        self._target, self._imposed = target, imposed
        self.table, self.kind, self.parent = part.table, part.kind, part.parent
        self.columns: list[Column] = []
        self._positions: dict[str, int] = {}
        self._written: list[str] = []
        self._group = target.group()
        self._where: list[tuple[object, ...]] = []
        self._rows: list[Sequence[Cell]] = []
        self._count = 0
        self._size = 0

    def takes(self, part: Rows, keys: Sequence[str]) -> bool:
        """Whether the rows are more of these: of the same kind and name, with most columns the same."""
        if (part.table, part.kind) != (self.table, self.kind):
            return False
        shared = sum(key in self._positions for key in keys)
        if part.table:
            return 2 * shared >= min(len(keys), len(self.columns))
        return shared >= _ALIKE * (len(keys) + len(self.columns) - shared)

    def places(self, keys: Sequence[str], labels: Sequence[str]) -> list[int]:
        """Where each column of a form stands here; -1 for those that go into the last one."""
        for key, label in zip(keys, labels, strict=True):
            if key not in self._positions and len(self.columns) < MOST_COLUMNS:
                self._append(key, label)
        found = [self._positions.get(key, -1) for key in keys]
        if -1 in found and MORE not in self._positions:
            self._append(MORE, MORE)
        return found

    def _append(self, key: str, label: str) -> None:
        self._positions[key] = len(self.columns)
        self.columns.append(Column(key, label, self._imposed.get(key)))

    def add(self, part: Rows, document: int, places: list[int]) -> None:
        rows = part.rows
        nowhere = [None] * len(rows)
        starts, ends = zip(*part.spans, strict=True) if part.spans else (nowhere, nowhere)
        names = map(line, part.places) if part.places else repeat("", len(rows))
        self._where += zip(repeat(document, len(rows)), starts, ends, names, strict=True)
        if places == list(range(len(self.columns))):
            self._rows += rows
        else:
            self._rows += [self._placed(row, places, part.columns) for row in rows]
        if len(self._rows) >= _BUFFERED:
            self.flush()

    def _placed(self, row: Sequence[Cell], places: list[int], labels: Sequence[str]) -> list[Cell]:
        placed: list[Cell] = [None] * len(self.columns)
        more: dict[str, Cell] = {}
        for place, cell, label in zip(places, row, labels, strict=True):
            if place >= 0:
                placed[place] = cell
            elif cell is not None and cell != "":
                more[label] = cell
        if more:
            placed[self._positions[MORE]] = json.dumps(more, ensure_ascii=False)
        return placed

    def flush(self) -> None:
        """Writes the rows that wait."""
        if not self._rows:
            return
        count = len(self.columns)
        if set(map(len, self._rows)) != {count}:
            self._rows = [[*row, *[None] * (count - len(row))] for row in self._rows]
        found: dict[str, Sequence[object]] = {}
        for place, (column, cells) in enumerate(zip(self.columns, zip(*self._rows, strict=True), strict=True)):
            values, beside = column.values(cells)
            found[f"c{place}"] = values
            if beside is not None:
                found[f"b{place}"] = beside
        new = [name for name in found if name not in self._written]
        self._written += new
        if not self._count:
            self._target.begin(self._group, new)
        else:
            for name in new:
                self._target.widen(self._group, name)
        nothing = [None] * len(self._rows)
        columns = [found.get(name, nothing) for name in self._written]
        rows = list(zip(*zip(*self._where, strict=True), *columns, strict=True))
        self._target.rows(self._group, len(self._written), rows)
        self._count += len(rows)
        self._where, self._rows = [], []

    def finish(self, file: int, ordinal: int) -> None:
        """Writes what the set is."""
        columns: list[tuple[str, str, str]] = []
        readings: dict[str, Reading] = {}
        for place, column in enumerate(self.columns):
            if f"c{place}" not in self._written or not (column.label or column.given):
                continue
            columns.append((f"c{place}", column.key, column.label))
            readings[column.key] = column.reading
            if f"b{place}" in self._written:
                beside = f"{column.label} ({column.reading.beside})"
                columns.append((f"b{place}", f"{column.key} ({column.reading.beside})", beside))
            missed = sum(column.unfit.values())
            if missed:
                shown = ", ".join(list(column.unfit)[:3])
                problem = f"{missed} cells of {column.label!r} are no {column.reading.kind} and not taken: {shown}"
                self._target.note(file, None, problem)
        parent = json.dumps(self.parent) if self.parent else None
        row = (file, ordinal, line(self.table, LONGEST), self.kind, parent,
               json.dumps(columns, ensure_ascii=False), dumped(readings), self._count)  # fmt: skip
        self._target.grouped(self._group, row)


def _keys(labels: Sequence[str]) -> list[str]:
    """A name for each column, none twice."""
    keys: dict[str, None] = {}
    for place, label in enumerate(labels, 1):
        key = written = label.casefold().replace("_", " ") or f"column {place}"
        number = 1
        while key in keys:
            number += 1
            key = f"{written} ({number})"
        keys[key] = None
    return list(keys)
