"""Rows of a result: tuples whose values can also be had by the names of their columns."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, ClassVar, SupportsIndex

_NAMED = 40
"""Columns that a message names at most."""


def _order(value: Any) -> tuple[int, Any]:
    """SQLite's order: NULL, numbers, texts, blobs. Values that Python would not compare stand in it, too."""
    if value is None:
        return 0, 0
    if isinstance(value, int | float):
        return 1, value
    return (2, value) if isinstance(value, str) else (3, value)


def missing(name: str, columns: Sequence[str]) -> str:
    """What is said of a column that is not there: those whose names are nearest come first."""
    from difflib import SequenceMatcher  # most sessions never need it

    near = sorted(columns, key=lambda column: -SequenceMatcher(None, name.casefold(), column.casefold()).ratio())
    return f"there is no column {name!r}; there are: {', '.join(near[:_NAMED])}"


class Row(tuple[Any, ...]):
    """`row.name`, `row["name"]` and `row[0]` are the same value; NULL is None.

    Names are found whatever their case. A column that is called like a method of tuples (`count`, `index`) is the
    column. Rows can be sorted where some of their values are None: these come first, as in SQL.
    """

    __slots__ = ()
    columns_: ClassVar[tuple[str, ...]] = ()
    places_: ClassVar[dict[str, int]] = {}

    def __getattr__(self, name: str) -> Any:
        place = self.places_.get(name.casefold())
        if place is None:
            raise AttributeError(missing(name, self.columns_))
        return self[place]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            place = self.places_.get(key.casefold())
            if place is None:
                raise KeyError(missing(key, self.columns_))
            return super().__getitem__(place)
        return super().__getitem__(key)

    def get(self, name: str, default: Any = None) -> Any:
        """As a dict's."""
        place = self.places_.get(name.casefold())
        return default if place is None else self[place]

    def keys(self) -> list[str]:
        """The names of the columns."""
        return list(self.columns_)

    def items(self) -> list[tuple[str, Any]]:
        """Names with values."""
        return list(zip(self.columns_, self, strict=True))

    def _key(self) -> list[tuple[int, Any]]:
        return [_order(value) for value in self]

    def __lt__(self, other: tuple[Any, ...]) -> bool:
        return self._key() < [_order(value) for value in other]

    def __gt__(self, other: tuple[Any, ...]) -> bool:
        return self._key() > [_order(value) for value in other]

    def __le__(self, other: tuple[Any, ...]) -> bool:
        return not self > other

    def __ge__(self, other: tuple[Any, ...]) -> bool:
        return not self < other

    def __repr__(self) -> str:
        return f"({', '.join(f'{name}={value!r}' for name, value in self.items())})"


class Rows(list[Row]):
    """All rows of a result, in order.

    Args:
        columns: their names, as the query gave them.
        more: whether there were more rows than a result may have.
    """

    def __init__(self, rows: Iterable[Row], columns: Sequence[str], *, more: bool = False) -> None:
        super().__init__(rows)
        self.columns = tuple(columns)
        self.more = more

    def column(self, name: str | SupportsIndex) -> list[Any]:
        """The values of one column, None left out."""
        return [value for row in self if (value := row[name]) is not None]


def row_type(columns: Sequence[str]) -> type[Row]:
    """The class of a result's rows. Of columns with the same name, the first has it."""
    places: dict[str, int] = {}
    for place, name in enumerate(columns):
        places.setdefault(name.casefold(), place)
    attributes: dict[str, Any] = {
        name: property(itemgetter(place))
        for place, name in reversed(list(enumerate(columns)))
        if name.isidentifier() and not name.startswith("__")
    }
    attributes |= {"__slots__": (), "columns_": tuple(columns), "places_": places}
    return type("Row", (Row,), attributes)
