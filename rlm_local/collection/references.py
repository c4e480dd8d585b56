"""References: columns whose values stand in a key of another table, found by comparing the values.

A key is a column whose values are all given and all different: an id, a code, a document's name. For texts, equal
values are enough. Numbers count from one in every table, so a column of numbers also has to be named after the table
that it refers to, or like its key; or its numbers all have to be in a key with so many gaps that this is no chance.
"""

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rlm_local.collection.identifiers import quoted, stem
from rlm_local.sqlite import Database

_LONGEST_KEY = 300_000
"""The most rows of a table whose keys are tried; one key at a time is held in memory."""
_TRIED = 1_000
"""How many different values of a column are looked up."""
_MOST = 4_000
"""How many pairs of columns are compared in one collection."""
_SHARE, _SHARE_OF_FEW, _FEW = 0.5, 0.95, 10
"""The share of different values that has to stand in the key: half of ten or more, as codes rarely agree by chance."""

_STEM = 3
_DIGITS = 18
_CHANCE, _TINY = 1e-3, 1e-9
"""How likely numbers may be to be those of a key by chance, and the least share of hits that is reckoned with."""

_COUNTERS = frozenset(("id", "key", "number", "no", "nr", "index", "row", "n", ""))
"""Words in names of columns by which tables number their own rows."""

_TEXTS = frozenset(("id", "category"))
_HIDDEN = frozenset(("title", "kind", "folder", "characters"))


@dataclass(frozen=True)
class _Column:
    table: str
    name: str
    type: str
    given: int
    distinct: int
    rows: int
    digits: bool

    @property
    def unique(self) -> bool:
        return self.rows > 1 and self.given == self.distinct == self.rows

    @property
    def words(self) -> frozenset[str]:
        return frozenset(stem(self.name).split("_")) - _COUNTERS

    def refers(self, key: "_Column") -> bool:
        """Whether its values could be those of a key, by what is known without comparing them."""
        if self.table == key.table or self.distinct < 2:
            return False
        if self.type in _TEXTS and key.type in _TEXTS and not (self.digits or key.digits):
            return True
        if self.name == key.name and not self.unique and self.words:
            return True
        named = [*stem(key.table).split("_"), *key.name.split("_")]
        return bool(self.words - key.words) and all(any(_akin(word, other) for other in named) for word in self.words)

    def may_refer(self, key: "_Column") -> bool:
        """Whether its numbers could be those of a key, whatever it is called."""
        numbers = self.digits and key.digits and self.type in _TEXTS and key.type in _TEXTS
        return numbers and self.table != key.table and not self.unique and self.distinct >= _FEW


def settle_references(db: Database) -> None:
    """Find the references between the tables of a collection, in place of those found before."""
    db.execute("DELETE FROM reference")
    columns = list(_columns(db))
    keys = [column for column in columns if column.unique and column.rows <= _LONGEST_KEY]
    tried: dict[_Column, list[object]] = {}
    referring: dict[_Column, dict[_Column, bool]] = {}  # to each key: whether by more than its numbers
    for key, column, known in islice(_pairs(keys, columns), _MOST):
        referring.setdefault(key, {})[column] = known
    for key in filter(referring.__contains__, keys):
        held = {value for (value,) in db.execute(f"SELECT {quoted(key.name)} FROM {quoted(key.table)}")}
        numbers = [] if all(referring[key].values()) else _numbers(held)
        for column, known in referring[key].items():
            if column not in tried:
                tried[column] = _values(db, column)
            share = sum(value in held for value in tried[column]) / max(1, len(tried[column]))
            wanted = _SHARE if known and len(tried[column]) >= _FEW else _SHARE_OF_FEW
            if share >= wanted and (known or _is_no_chance(numbers, _numbers(tried[column]))):
                db.execute(
                    "INSERT INTO reference VALUES (?, ?, ?, ?, ?)",
                    (column.table, column.name, key.table, key.name, round(share, 3)),
                )


def _pairs(keys: Sequence[_Column], columns: Sequence[_Column]) -> Iterator[tuple[_Column, _Column, bool]]:
    """Keys and columns that could refer to them: first those of which more is known than that they have numbers."""
    yield from ((key, column, True) for key in keys for column in columns if column.refers(key))
    yield from (
        (key, column, False) for key in keys for column in columns if column.may_refer(key) and not column.refers(key)
    )


def _is_no_chance(held: Sequence[int], values: Sequence[int]) -> bool:
    """Whether so many numbers in a row would hardly hit those of a key, if they were drawn from their range."""
    if not values:
        return False
    within = bisect_right(held, values[-1]) - bisect_left(held, values[0])
    hits = within / (values[-1] - values[0] + 1)
    return len(values) * -math.log(max(hits, _TINY)) > -math.log(_CHANCE)


def _numbers(values: Iterable[object]) -> list[int]:
    """The whole numbers among values, in order."""
    texts = (str(value) for value in values)
    return sorted(int(text) for text in texts if len(text) <= _DIGITS and text.isdecimal())


def _akin(one: str, other: str) -> bool:
    """Whether two words are the same except for their endings: customer, customers; city, cities."""
    short, long = sorted((one, other), key=len)
    same = max(_STEM, len(short) - 1)
    return one == other or (len(short) >= _STEM and long[:same] == short[:same])


def _columns(db: Database) -> Iterator[_Column]:
    rows = db.execute(
        'SELECT t.name, c.name, c.type, c.given, c.distinct_values, t.rows, c.common FROM "column" c JOIN "table" t'
        " ON t.name = c.\"table\" WHERE c.type IN ('id', 'category', 'number') ORDER BY t.name, c.position"
    ).fetchall()
    for table, name, kind, given, distinct, count, common in rows:
        if table != "documents" or name not in _HIDDEN:
            yield _Column(table, name, kind, given, distinct, count, _digits(common))


def _digits(common: str) -> bool:
    """Whether the commonest values are numbers, as stored in JSON: [[1, 7], ["22", 5], ...]."""
    return all(str(value).isdigit() for value, _ in json.loads(common or "[]"))


def _values(db: Database, column: _Column) -> list[object]:
    query = f"SELECT DISTINCT {quoted(column.name)} FROM {quoted(column.table)} WHERE {quoted(column.name)} IS NOT NULL"
    return [value for (value,) in db.execute(f"{query} LIMIT {_TRIED}")]
