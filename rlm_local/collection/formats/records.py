"""Nested records as tables: what is inside a record becomes its columns, lists inside it become tables of their own.

    {"id": 7, "name": {"first": "Ann"}, "orders": [{"sum": 5}]}
        records:  id 7, name_first Ann
        orders:   <records>_id 7, sum 5

Columns are told from the first thousands of records, and are bounded: what few records have stands in one column,
`other`, as "key: value".
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from rlm_local.collection.formats.part import MOST_ROWS, Cell, Rows
from rlm_local.collection.formats.prose.clean import clean

MOST_COLUMNS = 200
_RARE = 0.01  # share of records that has to have a column, where there are too many
_MOST_WAITING = 200_000  # cells
_DEEPEST = 6  # objects in objects that are columns, and tables in tables
_MOST_KEYS = 100  # of an object inside a record; one with more is a table of keys and values
_LONGEST_NESTED = 1_000
_MOST_INTEGER = 1 << 63
_OTHER = "other"
_OWN = ("id", "_id", "key", "uuid", "guid")  # a record's own name, where each has another
_NUMBER, _NUMBER_ELSE = "number", "record_number"

Span = tuple[int, int]


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_scalar(value: object) -> bool:
    """Whether a value is neither an object nor a list."""
    return not isinstance(value, (dict, list))


@dataclass
class _Table:
    name: str
    parent: "_Table | None"
    columns: list[str] = field(default_factory=list[str])
    rows: list[dict[str, Cell]] = field(default_factory=list[dict[str, Cell]])
    spans: list[Span] = field(default_factory=list[Span])
    owners: list[int] = field(default_factory=list[int])  # for each row the number of its parent's
    count: int = 0  # rows so far
    own: str = ""  # the column by which its children name its rows; empty: not told yet
    first: int = 0  # number of the first of `rows`
    has_other: bool = False


class Records:
    """Takes records in, gives rows out: `rows` is to be called once they `are_many`, and at the end.

    Args:
        main: what the table without a name is called in the columns that refer to it.
    """

    def __init__(self, main: str) -> None:
        self._main = main
        self._tables: dict[tuple[str, ...], _Table] = {}
        self._records = 0  # that wait, without those inside of them
        self._waiting = 0  # cells
        self._names: set[str] = set()

    @property
    def are_many(self) -> bool:
        """Whether as many wait as should be held at once."""
        return self._records >= MOST_ROWS or self._waiting >= _MOST_WAITING

    def add(self, path: tuple[str, ...], record: Mapping[str, Any], span: Span) -> None:
        """One record of the table at a path of keys (empty: the file's own).

        Args:
            span: where it stands in the document's text.
        """
        table = self._tables.get(path) or self._new(path, None)
        self._add(table, path, 0, record, span, _DEEPEST)
        self._records += 1

    def _add(
        self, table: _Table, path: tuple[str, ...], owner: int, record: Mapping[str, Any], span: Span, deeper: int
    ) -> None:
        row: dict[str, Cell] = {}
        lists: list[tuple[str, Sequence[Any]]] = []
        _flatten(record, "", row, lists, 0)
        table.rows.append(row)
        table.spans.append(span)
        table.owners.append(owner)
        number = table.count
        table.count += 1
        self._waiting += len(row) + 1
        while lists and deeper:
            label, items = lists.pop()
            here = (*path, label)
            inside = self._tables.get(here) or self._new(here, table)
            for item in items:
                self._add(inside, here, number, item if is_object(item) else {label: item}, span, deeper - 1)

    def rows(self) -> Iterator[Rows]:
        """All rows that wait."""
        parents = {id(table.parent) for table in self._tables.values()}
        names = {id(table): _own_names(table) for table in self._tables.values() if id(table) in parents}
        for table in self._tables.values():
            lead: list[tuple[str, Sequence[Cell]]] = []
            parent = table.parent
            if parent:
                own = names[id(parent)]
                reference = f"{parent.name or self._main}_id"
                lead.append((reference, [own[number - parent.first] for number in table.owners]))
            if id(table) in parents and table.own in (_NUMBER, _NUMBER_ELSE):
                lead.append((table.own, names[id(table)]))
            yield from _rows(table, lead, (parent.name, parent.own) if parent else None)
        for table in self._tables.values():
            table.rows, table.spans, table.owners, table.first = [], [], [], table.count
        self._records = self._waiting = 0

    def _new(self, path: tuple[str, ...], parent: _Table | None) -> _Table:
        name = path[-1] if path else ""
        if name in self._names:
            name = "_".join(path)
        self._names.add(name)
        table = self._tables[path] = _Table(name, parent)
        return table


def _own_names(table: _Table) -> list[Cell]:
    """How the waiting rows are named in the tables inside them: by their own id, else by their number."""
    if not table.own:
        table.own = _NUMBER if not any(_NUMBER in row for row in table.rows) else _NUMBER_ELSE
        for label in _OWN:
            values = [row.get(label) for row in table.rows]
            if None not in values and len(set(values)) == len(values):
                table.own = label
                break
    if table.own in (_NUMBER, _NUMBER_ELSE):
        return list(range(table.first + 1, table.count + 1))
    return [row.get(table.own) for row in table.rows]


def _flatten(
    value: Mapping[str, Any], prefix: str, row: dict[str, Cell], lists: list[tuple[str, Sequence[Any]]], depth: int
) -> None:
    """Put what is inside an object into `row` by label, and the lists that are tables of their own into `lists`."""
    for key, inner in value.items():
        label = prefix + clean(key)
        if is_scalar(inner):  # as most are
            row[label] = cell(inner)
        elif is_object(inner):
            if depth < _DEEPEST and len(inner) <= _MOST_KEYS:
                _flatten(inner, f"{label}_", row, lists, depth + 1)
            elif depth < _DEEPEST and all(map(is_scalar, inner.values())):
                lists.append((label, [{"key": name, "value": one} for name, one in inner.items()]))
            else:
                row[label] = nested(inner)
        elif is_list(inner):
            objects, inside = any(map(is_object, inner)), any(map(is_list, inner))
            if inner and not objects:
                row[label] = shown(inner)
            if objects or (not inside and any(isinstance(item, str) for item in inner)):
                lists.append((label, inner))


def cell(value: str | int | float | bool | None) -> Cell:
    """One value as a cell: what is no number is none, what no database holds as an integer is text."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not -_MOST_INTEGER <= value < _MOST_INTEGER:
        return str(value)
    return value


def shown(items: Sequence[Any]) -> Cell:
    """A list of values as a person would write it: "red, green"; one with lists in it as JSON."""
    if all(map(is_scalar, items)):
        return ", ".join(str(cell(item)) for item in items if item is not None) or None
    return nested(items)


def nested(value: Any) -> Cell:
    """JSON in one line, cut where it is long."""
    if not value:
        return None
    try:
        text = clean(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return None
    return text if len(text) <= _LONGEST_NESTED else text[:_LONGEST_NESTED] + "…"


def _rows(table: _Table, lead: Sequence[tuple[str, Sequence[Cell]]], parent: tuple[str, str] | None) -> Iterator[Rows]:
    """The waiting rows of one table; `lead`: columns that stand before its own, with their cells."""
    _add_columns(table)
    labels = (*(label for label, _ in lead), *table.columns)
    rows = [tuple(map(row.get, table.columns)) for row in table.rows]
    if lead:
        rows = [
            (*first, *row) for first, row in zip(zip(*(cells for _, cells in lead), strict=True), rows, strict=True)
        ]
    if table.has_other:
        known = frozenset(table.columns)
        labels = (*labels, _OTHER)
        rows = [(*cells, _others(row, known)) for cells, row in zip(rows, table.rows, strict=True)]
    for at in range(0, len(rows), MOST_ROWS):
        upto = at + MOST_ROWS
        yield Rows(table.name, labels, rows[at:upto], spans=table.spans[at:upto], parent=parent)


def _add_columns(table: _Table) -> None:
    """New labels become columns, as long as there is room for them."""
    counts: dict[str, int] = {}
    for row in table.rows:
        for label in row:
            counts[label] = counts.get(label, 0) + 1
    known = frozenset(table.columns)
    new = [label for label in counts if label not in known]
    room = MOST_COLUMNS - len(table.columns)
    if len(new) > room:
        table.has_other = True
        common = [label for label in new if counts[label] >= _RARE * len(table.rows) and counts[label] > 1]
        kept = frozenset(sorted(common, key=lambda label: -counts[label])[:room])
        new = [label for label in new if label in kept]
    table.columns += new


def _others(row: Mapping[str, Cell], known: frozenset[str]) -> Cell:
    if row.keys() <= known:
        return None
    return "; ".join(f"{label}: {value}" for label, value in row.items() if label not in known and value is not None)
