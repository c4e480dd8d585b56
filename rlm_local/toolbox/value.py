"""A value as an answer: the shape it is given, its words, and the data that it is sent as."""

import math
from collections.abc import Iterable, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass
from typing import Any

from .missing import Missing
from .row import Row, Rows

_SHOWN = 50
"""Values of a list, or rows of a table, that an answer names in words; its value has them all."""


@dataclass(frozen=True)
class Truth:
    """A yes or a no, with the number of things that it rests on; 0 if that says nothing."""

    holds: bool
    count: float = 0

    def __bool__(self) -> bool:
        return self.holds


def whether(value: Any) -> Truth:
    """A result as the answer to a question that wants yes or no: yes if it holds anything.

    A count or a list holds something unless it is zero or empty; a text holds nothing if it is empty or says no.
    """
    value = shaped(value)
    count = value if isinstance(value, int | float) else len(value) if isinstance(value, list) else 0  # pyright: ignore[reportUnknownArgumentType]
    return Truth(_holds(value), 0 if isinstance(value, bool) else count)


def _holds(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds, value.values()))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds, value))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, str):
        return value.strip().casefold() not in ("", "no", "false")
    return not isinstance(value, Missing) and bool(value)


def shaped(value: Any) -> Any:
    """Rows as an answer: one value, a list without repetitions, or a table of named columns."""
    if isinstance(value, Rows):
        if len(value) == 1 and len(value.columns) == 1:
            return value[0][0]
        if len(value.columns) == 1:
            return list(dict.fromkeys(row[0] for row in value))
        return [_of_the_file(zip(value.columns, row, strict=True)) for row in value]
    if isinstance(value, Row):
        return _of_the_file(value.items())
    return list(value) if isinstance(value, Iterator | KeysView | ValuesView) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _of_the_file(cells: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The cells of a row that its file gave; the collection's own, such as `_id`, say nothing to a person."""
    return {column: value for column, value in cells if not column.startswith("_")}


def in_words(value: Any) -> str:
    """An answer as a person would write it down."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {in_words(each)}" for key, each in list(value.items())[:_SHOWN])  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple | set | frozenset):
        values = list(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        tables = any(isinstance(each, Mapping | list | tuple) for each in values)  # pyright: ignore[reportUnknownVariableType]
        more = [f"and {len(values) - _SHOWN} more"] if len(values) > _SHOWN else []  # pyright: ignore[reportUnknownArgumentType]
        shown = sorted(map(in_words, values)) if isinstance(value, set | frozenset) else map(in_words, values)  # pyright: ignore[reportUnknownArgumentType]
        return ("\n" if tables else ", ").join([*list(shown)[:_SHOWN], *more])
    if isinstance(value, Truth):
        return f"yes ({in_words(value.count)})" if value and value.count > 1 else in_words(value.holds)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value)
    return "" if value is None or isinstance(value, Missing) else str(value)


def _number(value: float) -> str:
    """Two decimals, or four digits of what is below one: more is not meant."""
    if not math.isfinite(value):
        return str(value)
    text = f"{value:.2f}" if abs(value) >= 1 else f"{value:.4g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def as_data(value: Any) -> Any:
    """An answer as JSON can say it."""
    if isinstance(value, Truth):
        return value.holds
    if isinstance(value, Mapping):
        return {str(key): as_data(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, set | frozenset):
        return sorted(map(as_data, value), key=repr)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [as_data(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, Missing):
        return None
    return value if isinstance(value, bool | int | float) else str(value)
