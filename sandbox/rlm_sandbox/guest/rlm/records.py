"""The text, its documents, and items with their fields: what can be counted, compared and added up by code."""

import bisect
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

Value = str | float | None
Condition = tuple[str, str, Any]

_INCOMPARABLE = -9
_MEASURES: dict[str, Callable[[list[float]], float]] = {
    "count": math.fsum,
    "sum": math.fsum,
    "average": statistics.fmean,
    "highest": max,
    "lowest": min,
}


class Document(NamedTuple):
    """A document: `name` is its path, `start` and `end` its place in `context`."""

    name: str
    kind: str
    text: str
    start: int
    end: int


class Text:
    """All documents as one str, and where each lies in it."""

    def __init__(self, context: str, documents: Iterable[Sequence[Any]]) -> None:
        self.context = context
        self.documents = [Document(n, k, context[a:b], a, b) for n, k, a, b in documents]
        self._starts = [d.start for d in self.documents]

    def index_at(self, offset: int) -> int:
        """The number of the document that holds this offset of `context`."""
        return max(0, bisect.bisect_right(self._starts, offset) - 1)

    @cached_property
    def lower(self) -> str:
        """The context in lower case, offset for offset."""
        lower = self.context.lower()
        if len(lower) != len(self.context):  # a few letters change length in lower case
            lower = "".join(low if len(low := c.lower()) == 1 else c for c in self.context)
        return lower


class Item:
    """A row, line, message, paragraph or function: text with a place, and its fields by name (`item["status"]`)."""

    __slots__ = ("_from", "_index", "_set", "end", "start")

    def __init__(self, source: Text, start: int, end: int, item_set: "ItemSet | None" = None, index: int = 0) -> None:
        self._from, self._set, self._index = source, item_set, index
        self.start, self.end = start, end

    def __getitem__(self, field: str) -> Value:
        if self._set is None:
            raise KeyError(field)
        return self._set.columns[field][self._index]

    def __setitem__(self, field: str, value: Value) -> None:
        if self._set is None:
            raise TypeError("a passage has no fields")
        self._set.columns.setdefault(field, [None] * len(self._set.items))[self._index] = value

    def get(self, field: str, default: Value = None) -> Value:
        """The field's value, or `default` where the item has none."""
        value = self[field] if self._set is not None and field in self._set.columns else None
        return default if value is None else value

    @property
    def text(self) -> str:
        return self._from.context[self.start : self.end]

    @property
    def document(self) -> str:
        return self._from.documents[self._from.index_at(self.start)].name

    @property
    def fields(self) -> dict[str, Value]:
        """The fields that this item states."""
        if self._set is None:
            return {}
        pairs = ((name, column[self._index]) for name, column in self._set.columns.items())
        return {name: value for name, value in pairs if value is not None}

    def __repr__(self) -> str:
        return f"<{self.document}: {' '.join(self.text.split())[:160]}>"


class ItemSet:
    """The items of one kind, by column."""

    def __init__(
        self, source: Text, starts: Sequence[int], ends: Sequence[int], columns: dict[str, list[Value]]
    ) -> None:
        self.columns = columns
        places = zip(starts, ends, strict=True)
        self.items = [Item(source, start, end, self, i) for i, (start, end) in enumerate(places)]


def select(items: Iterable[Item], where: Sequence[Condition]) -> list[Item]:
    """The items that meet every condition: (field, operator, value); the field "text" is the item's whole text."""
    chosen = list(items)
    for field, operator, value in where:
        test = _test(operator, value)
        chosen = [item for item in chosen if test(item.text if field == "text" else item.get(field))]
    return chosen


def split(items: Iterable[Item], by: str) -> dict[str, list[Item]]:
    """The items by their value of a field; those without are left out."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        if (key := item.get(by)) is not None:
            groups.setdefault(show(key), []).append(item)
    return groups


def group(items: Iterable[Item], by: str, measure: str = "count", of: str = "") -> list[tuple[str, float]]:
    """(value of `by`, measure) for each group, highest first.

    The measure is "count", or "sum", "average", "highest" or "lowest" of the number field `of`.
    """
    measured: dict[str, float] = {}
    for key, members in split(items, by).items():
        amounts = [1.0 if measure == "count" else item.get(of) for item in members]
        if numbers := [float(amount) for amount in amounts if isinstance(amount, int | float)]:
            measured[key] = round(_MEASURES[measure](numbers), 6)
    return sorted(measured.items(), key=lambda pair: (-pair[1], pair[0]))


def total(items: Iterable[Item], field: str) -> float:
    """The sum of a number field; items without it add nothing."""
    return round(math.fsum(v for item in items if isinstance(v := item.get(field), int | float)), 6)


def values(items: Iterable[Item], field: str) -> list[str]:
    """The distinct values of a field, in order of appearance."""
    return list(dict.fromkeys(show(value) for item in items if (value := item.get(field)) is not None))


def _fold(value: Any) -> Any:
    return " ".join(value.lower().split()) if isinstance(value, str) else value


def _test(operator: str, wanted: Any) -> Callable[[Value], bool]:
    """The predicate of one condition. Values of different types are simply not comparable, so they do not match."""
    if operator == "any":
        allowed = {_fold(show(v)) for v in wanted}
        return lambda value: value is not None and _fold(show(value)) in allowed
    if operator in ("contains", "lacks"):
        needle, holds = str(_fold(wanted)), operator == "contains"
        return lambda value: value is not None and (needle in str(_fold(show(value)))) is holds
    if operator == "in":
        low, high = wanted
        return lambda value: _ordered(value, low) >= 0 and _ordered(value, high, open_end=True) <= 0
    if operator in ("=", "!="):
        same = operator == "="
        return lambda value: value is not None and (_equal(value, wanted) is same)
    orders: dict[str, Callable[[int], bool]] = {
        "<": lambda c: c == -1, "<=": lambda c: c in (-1, 0), ">": lambda c: c == 1, ">=": lambda c: c in (0, 1),
    }  # fmt: skip
    if operator not in orders:
        raise ValueError(f"unknown operator {operator!r}; use =, !=, <, <=, >, >=, in, any, contains or lacks")
    accept = orders[operator]
    return lambda value: accept(_ordered(value, wanted, open_end=operator in ("<=", ">")))


def _ordered(value: Value, wanted: Any, *, open_end: bool = False) -> int:
    """-1, 0 or 1 as value stands to wanted; _INCOMPARABLE for different types. `open_end`: a day includes its hours."""
    if isinstance(value, str) and isinstance(wanted, str):
        if open_end and value.startswith(wanted):
            return 0
        return (value > wanted) - (value < wanted)
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return (value > wanted) - (value < wanted)
    return _INCOMPARABLE


def _equal(value: Value, wanted: Any) -> bool:
    if isinstance(value, int | float) and isinstance(wanted, str):
        return show(value) == wanted.strip()
    return bool(_fold(value) == _fold(wanted))


def show(value: Any) -> str:
    """A value as a person writes it: whole floats without the point."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(round(value, 6))
    return str(value)
