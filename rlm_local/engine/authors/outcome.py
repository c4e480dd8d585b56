"""Outcome: the result of a program, in one form for SQL and Python, and compared as a person would."""

import itertools
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rlm_local.toolbox.value import whether

Row = tuple[Any, ...]
_PAIR = 2
_WHOLE = 4
"""Columns of a row that is more than an answer."""

_DIGITS = 6
"""Significant digits in which two numbers have to agree."""


@dataclass(frozen=True)
class Outcome:
    """A result as rows of values.

    Attributes:
        rows: as the program gave them, in order.
        truth: whether the result is a yes or a no.
    """

    rows: tuple[Row, ...]
    truth: bool = False

    @classmethod
    def of(cls, value: Any, *, truth: bool = False) -> "Outcome":
        """The outcome of a value that came as JSON: a single value, a list, a list of rows, or a mapping."""
        if isinstance(value, Mapping):
            return cls(tuple((key, each) for key, each in cast("Mapping[Any, Any]", value).items()))
        if isinstance(value, list | tuple):
            return cls(tuple(map(_row, cast("Iterable[Any]", value))), truth)
        return cls(((value,),), truth or isinstance(value, bool))

    @property
    def empty(self) -> bool:
        """Whether nothing was found: no row, or only missing values, zeros, no, and texts without letter or digit."""
        return not any(map(_says_something, itertools.chain.from_iterable(self.rows)))

    @property
    def heard(self) -> "Outcome":
        """The same, with a yes or no in words as what it says."""
        said = {"yes": True, "true": True, "no": False, "false": False}
        word = self.rows[0][0] if len(self.rows) == 1 and len(self.rows[0]) == 1 else None
        truth = said.get(word.strip().casefold()) if isinstance(word, str) else None
        return self if truth is None else Outcome(((truth,),), truth=True)

    @property
    def as_truth(self) -> "Outcome":
        """The yes or no that the result comes to: whether it holds anything; see `rlm_local.toolbox.value.whether`."""
        return self if self.truth else Outcome(((whether(self.rows).holds,),), truth=True)

    @property
    def sparse(self) -> bool:
        """Whether it is a list that mostly does not say what its items are."""
        return len(self.rows) > 1 and 2 * sum(row[:1] in ((None,), ("",)) for row in self.rows) > len(self.rows)

    @property
    def key(self) -> frozenset[Row]:
        """Equal for results with the same rows in any order, with numbers to six digits."""
        return frozenset(tuple(_alike(value) for value in row) for row in self.rows)

    def same(self, other: "Outcome") -> bool:
        """Whether two results say the same. One may have more columns than the other; a yes is not a count of one."""
        if self.truth != other.truth:
            return False
        if self.key == other.key:
            return True
        few, many = sorted((self, other), key=lambda outcome: outcome.width)
        if few.width != 1 or not few.rows or len(few.key) != len(many.key):
            return False
        column = frozenset(row[0] for row in few.key)
        return any(frozenset(row[at] for row in many.key if at < len(row)) == column for at in range(many.width))

    def is_row_of(self, columns: Sequence[Container[str]]) -> bool:
        """Whether it is one whole row of a table, with the names of its columns: more than was asked for."""
        names = [row[0] for row in self.rows if len(row) == _PAIR]
        named = len(names) == len(self.rows) >= _WHOLE
        return named and any(all(name in table for name in names) for table in columns)

    def comes_to(self, other: "Outcome") -> bool:
        """Whether this is a list of numbers and the other is a single number: their sum, mean, minimum or maximum."""
        given = [row for row in self.rows if row != (None,)]
        numbers = [row[0] for row in given if len(row) == 1 and _is_number(row[0])]
        single = other.rows[0] if len(other.rows) == 1 else ()
        if len(single) != 1 or not _is_number(single[0]) or len(numbers) < max(2, len(given)):
            return False
        total = math.fsum(numbers)
        return _alike(single[0]) in map(_alike, (total, total / len(numbers), min(numbers), max(numbers)))

    @property
    def width(self) -> int:
        """The most columns of a row."""
        return max((len(row) for row in self.rows), default=0)


def _row(value: Any) -> Row:
    if isinstance(value, Mapping):
        return tuple(cast("Mapping[Any, Any]", value).values())
    return tuple(cast("Iterable[Any]", value)) if isinstance(value, list | tuple) else (value,)


def _says_something(value: Any) -> bool:
    return any(map(str.isalnum, value)) if isinstance(value, str) else value not in (None, 0, False)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _alike(value: Any) -> Any:
    """A value in the form that is compared; lists and mappings are compared as they are written."""
    if isinstance(value, bool | int | float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)
    if value is None:
        return None
    return value.strip() if isinstance(value, str) else repr(value)
