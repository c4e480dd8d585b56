"""What a program came to: the same for both dialects, compared as people would, and as an answer."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

Row = tuple[Any, ...]
_DIGITS = 6
"""Significant digits to which two results have to be the same."""


@dataclass(frozen=True)
class Outcome:
    """Rows of values, the form that every result has.

    Attributes:
        rows: as the program gave them, in order.
        truth: whether it is a yes or a no.
    """

    rows: tuple[Row, ...]
    truth: bool = False

    @classmethod
    def of(cls, value: Any, *, truth: bool = False) -> "Outcome":
        """A result as JSON brought it: a value, a list, a table, a mapping."""
        if isinstance(value, Mapping):
            return cls(tuple((key, each) for key, each in cast("Mapping[Any, Any]", value).items()))
        if isinstance(value, list | tuple):
            return cls(tuple(map(_row, cast("Iterable[Any]", value))), truth)
        return cls(((value,),), truth or isinstance(value, bool))

    @property
    def empty(self) -> bool:
        """Whether it found nothing: no row, or only what is not given, zero or false. Nothing found is no finding."""
        return not any(value not in (None, "", 0, False) for row in self.rows for value in row)

    @property
    def key(self) -> frozenset[Row]:
        """Equal for results that say the same: numbers to six digits, rows in any order."""
        return frozenset(tuple(_alike(value) for value in row) for row in self.rows)

    def same(self, other: "Outcome") -> bool:
        """Whether two results say the same; one may show a column more than the other. A yes is no count of one."""
        if self.truth != other.truth:
            return False
        if self.key == other.key:
            return True
        few, many = sorted((self, other), key=lambda outcome: outcome.width)
        if few.width != 1 or not few.rows or len(few.key) != len(many.key):
            return False
        column = frozenset(row[0] for row in few.key)
        return any(frozenset(row[at] for row in many.key if at < len(row)) == column for at in range(many.width))

    def comes_to(self, other: "Outcome") -> bool:
        """Whether this is a list of numbers, and the other one number: their sum, mean, least or greatest."""
        given = [row for row in self.rows if row != (None,)]
        numbers = [row[0] for row in given if len(row) == 1 and _is_number(row[0])]
        single = other.rows[0] if len(other.rows) == 1 else ()
        if len(single) != 1 or not _is_number(single[0]) or len(numbers) < max(2, len(given)):
            return False
        total = math.fsum(numbers)
        return _alike(single[0]) in map(_alike, (total, total / len(numbers), min(numbers), max(numbers)))

    @property
    def width(self) -> int:
        return max((len(row) for row in self.rows), default=0)


def _row(value: Any) -> Row:
    if isinstance(value, Mapping):
        return tuple(cast("Mapping[Any, Any]", value).values())
    return tuple(cast("Iterable[Any]", value)) if isinstance(value, list | tuple) else (value,)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _alike(value: Any) -> Any:
    """A value as it is compared; what is made of several is compared as it is written."""
    if isinstance(value, bool | int | float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)
    if value is None:
        return None
    return value.strip() if isinstance(value, str) else repr(value)
