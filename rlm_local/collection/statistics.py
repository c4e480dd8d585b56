"""Statistics of columns: the type, how many values, the least, the greatest and the most common ones."""

import heapq
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

from rlm_local.collection.identifiers import quoted
from rlm_local.collection.lists import MOST_ITEMS, items
from rlm_local.collection.reading import Reading, Value, is_code
from rlm_local.sqlite import Database

_COMMON = 20
_AT_ONCE = 2_000
_COUNTED = 50_000
"""How many different values of a column are counted in memory; if there are more, the database counts."""
_LONGEST = 200
"""The most characters of a value that is kept as an example for its column."""

_TYPES = {"integer": "number", "whole": "number", "real": "number", "date": "date", "time": "time", "epoch": "time",
          "clock": "time", "flag": "flag"}  # fmt: skip


def count(db: Database, table: str, names: Sequence[str]) -> list[Counter[Value]]:
    """How often each value occurs in each column, without rare values of a column with very many."""
    counts: list[Counter[Value]] = [Counter() for _ in names]
    if not names:
        return counts
    columns = ", ".join(map(quoted, names))
    open_ = set(range(len(names)))
    rows = db.execute(f"SELECT {columns} FROM {quoted(table)}")
    while chunk := list(islice(rows, _AT_ONCE)):
        values = list(zip(*chunk, strict=True))
        for place in list(open_):
            counts[place].update(values[place])
            if len(counts[place]) > _COUNTED:
                open_.discard(place)
                counts[place] = Counter()
    for place in range(len(names)):
        if place not in open_:
            counts[place] = Counter()
        counts[place].pop(None, None)
    return counts


def describe(db: Database, table: str, names: Sequence[str], readings: Mapping[str, Reading],
             labels: Mapping[str, str]) -> list[tuple[object, ...]]:  # fmt: skip
    """For each column: type, unit, given, distinct values, least, greatest, common values as JSON."""
    found: list[tuple[object, ...]] = []
    for name, counts in zip(names, count(db, table, names), strict=True):
        reading = readings.get(name)
        kind = _TYPES.get(reading.kind, "") if reading else ""
        if counts or not kind:
            summary = _of_counts(counts) if counts else _of_table(db, table, name)
        else:
            summary = _of_table(db, table, name)
        given, distinct, least, greatest, common = summary
        kind = kind or _text_type(labels[name], counts, common, given, distinct)
        if kind == "number" and is_code(labels[name]) and reading and reading.kind == "integer":
            kind = "id"
        unit = reading.unit if reading and reading.unit != "*" else ""
        if kind in ("category", "text") and (listed := items(counts)):
            kind, (unit, each) = "list", listed
            distinct, common = len(each), each.most_common(MOST_ITEMS)
        shown = json.dumps([[_cut(value), times] for value, times in common], ensure_ascii=False)
        found.append((kind, unit, given, distinct, _cut(least), _cut(greatest), shown))
    return found


def _of_counts(counts: Counter[Value]) -> tuple[int, int, Value, Value, list[tuple[Value, int]]]:
    common = heapq.nsmallest(_COMMON, counts.items(), key=lambda item: (-item[1], _rank(item[0])))
    return sum(counts.values()), len(counts), min(counts, key=_rank), max(counts, key=_rank), common


def _of_table(db: Database, table: str, name: str) -> tuple[int, int, Value, Value, list[tuple[Value, int]]]:
    column = quoted(name)
    rows = db.execute(
        f"WITH counted (value, times) AS MATERIALIZED (SELECT {column}, count(*) FROM {quoted(table)}"
        f" WHERE {column} IS NOT NULL GROUP BY 1), whole AS (SELECT coalesce(sum(times), 0), count(*), min(value),"
        " max(value) FROM counted) SELECT * FROM whole LEFT JOIN counted ORDER BY times DESC, value LIMIT ?",
        (_COMMON,),
    ).fetchall()
    given, distinct, least, greatest = rows[0][:4]
    return given, distinct, least, greatest, [(value, times) for *_, value, times in rows if times]


def _text_type(
    label: str, counts: Counter[Value], common: Sequence[tuple[Value, int]], given: int, distinct: int
) -> str:
    """Whether texts are categories (short, repeated), ids (short tokens, nearly all different) or free text."""
    some = [str(value) for value in list(counts)[:_AT_ONCE]] or [str(value) for value, _ in common]
    if not some:
        return "text"
    mean = sum(map(len, some)) / len(some)
    spaced = sum(" " in value or "\n" in value for value in some) / len(some)
    ratio = distinct / given
    if mean <= 40 and spaced <= 0.05 and ratio >= 0.9:
        coded = sum(any(c.isdigit() for c in value) for value in some) >= 0.5 * len(some)
        if coded or is_code(label) or given >= 20:
            return "id"
    if mean > 60 or any("\n" in value for value in some):
        return "text"
    return "category" if ratio <= 0.5 or (mean <= 30 and (given < 10 or ratio <= 0.8)) else "text"


def _rank(value: Value) -> tuple[bool, Value]:
    return isinstance(value, str), value


def _cut(value: Value) -> Value:
    return value[:_LONGEST] if isinstance(value, str) else value
