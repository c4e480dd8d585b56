"""Functions of SQL that SQLite 3.39 lacks and that people write, in other dialects or by habit.

NULL in, NULL out, as with SQLite's own. Aggregates leave NULL out.
"""

import datetime
import math
import re
import statistics
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

Value = str | int | float | bytes | None
Function = Callable[..., Value]


class Aggregate(Protocol):
    def step(self, value: Value, /) -> None: ...
    def finalize(self) -> Value: ...


@lru_cache(200)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@lru_cache(200)
def _like(pattern: str, escape: str) -> re.Pattern[str]:
    """LIKE's pattern as a regular expression: each % and _ is a wildcard, unless the escape stands before it."""
    parts: list[str] = []
    literal = False
    for character in pattern:
        if character == escape and not literal:
            literal = True
            continue
        wild = {"%": ".*", "_": "."}.get(character)
        parts.append(wild if wild and not literal else re.escape(character))
        literal = False
    return re.compile(re.sub(r"(\.\*)+", ".*", "".join(parts)), re.IGNORECASE | re.DOTALL)


def regexp(pattern: Value, text: Value) -> Value:
    """The operator REGEXP: whether the pattern stands anywhere in the text, whatever its case."""
    return None if pattern is None or text is None else int(bool(_pattern(str(pattern)).search(str(text))))


def like(pattern: Value, text: Value, escape: Value = "") -> Value:
    """LIKE in all letters: SQLite's own knows the case of ASCII alone."""
    return None if pattern is None or text is None else int(bool(_like(str(pattern), str(escape)).fullmatch(str(text))))


def lower(text: Value) -> Value:
    return None if text is None else str(text).lower()


def upper(text: Value) -> Value:
    return None if text is None else str(text).upper()


def _date(value: Value) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def year(date: Value) -> Value:
    return found.year if (found := _date(date)) else None


def month(date: Value) -> Value:
    return found.month if (found := _date(date)) else None


def day(date: Value) -> Value:
    return found.day if (found := _date(date)) else None


def datediff(later: Value, earlier: Value) -> Value:
    """Days from the second date to the first."""
    one, other = _date(later), _date(earlier)
    return (one - other).days if one and other else None


def concat(*values: Value) -> Value:
    """All that is not NULL, one after another."""
    return "".join(str(value) for value in values if value is not None)


def choose(condition: Value, then: Value, otherwise: Value = None) -> Value:
    """The function IF."""
    return then if condition else otherwise


class _Collected:
    """An aggregate that keeps the numbers."""

    def __init__(self) -> None:
        self.numbers: list[float] = []

    def step(self, value: Value) -> None:
        if isinstance(value, int | float):
            self.numbers.append(value)


class Median(_Collected):
    def finalize(self) -> Value:
        return statistics.median(self.numbers) if self.numbers else None


class Variance(_Collected):
    """Of a sample, as in other databases."""

    def finalize(self) -> Value:
        if len(self.numbers) < 2:
            return None
        mean = math.fsum(self.numbers) / len(self.numbers)
        return math.fsum((number - mean) ** 2 for number in self.numbers) / (len(self.numbers) - 1)


class Deviation(Variance):
    def finalize(self) -> Value:
        variance = super().finalize()
        return math.sqrt(variance) if isinstance(variance, float) else None


FUNCTIONS: Mapping[str, Function] = {
    "regexp": regexp,
    "year": year,
    "month": month,
    "day": day,
    "datediff": datediff,
    "concat": concat,
    "if": choose,
}
FOLDING: Mapping[str, Function] = {"like": like, "lower": lower, "upper": upper}
"""What replaces SQLite's own where a query has letters beyond ASCII: it takes longer."""
AGGREGATES: Mapping[str, type[Aggregate]] = {
    "median": Median,
    "variance": Variance,
    "stddev": Deviation,
}
