"""Columns whose values are short lists of genres, tags or permissions, such as "drama, comedy".

The bounds below were set by hand, with columns of posts, licences and films in mind; they were not fitted.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from rlm_local.collection.reading import Value

MOST_ITEMS = 200
"""How many items of a column are kept: the most common ones."""

_SEPARATORS = (", ", "; ", " | ", "|", ";", ",")
_LONGEST = 40
"""The most characters of an item, on average; longer ones are parts of sentences."""

_SAMPLE = 1_000
"""How many different values are tried before all are split: in free text, few items are short."""

_SEVERAL, _SOME = 0.2, 0.05
"""The share of rows that must have several items; and the share that is enough if nearly all items are combined."""

_REPEATED = 3
"""The fewest rows for each item."""

_COMBINED, _NEARLY_ALL = 0.3, 0.8
"""The share of items that must stand in several values."""


def items(counts: Mapping[Value, int]) -> tuple[str, Counter[str]] | None:
    """What separates the items of a column's values, and how many rows have each item; None if they are not lists.

    Args:
        counts: the number of rows by value.
    """
    texts = {value: rows for value, rows in counts.items() if isinstance(value, str)}
    given = sum(texts.values())
    some = list(texts)[:: max(1, len(texts) // _SAMPLE)]
    for separator in _SEPARATORS if given else ():
        several = sum(rows for value, rows in texts.items() if separator in value)
        if several < _SOME * given or not _are_short({item for value in some for item in value.split(separator)}):
            continue
        if found := _split(texts, separator, _COMBINED if several >= _SEVERAL * given else _NEARLY_ALL):
            return separator, found
    return None


def _split(texts: Mapping[str, int], separator: str, combined: float) -> Counter[str] | None:
    """The number of rows by item; None if items do not recur."""
    most = sum(rows * (value.count(separator) + 1) for value, rows in texts.items()) // _REPEATED
    found: Counter[str] = Counter()
    stands: Counter[str] = Counter()
    for value, rows in texts.items():
        for item in dict.fromkeys(map(str.strip, value.split(separator))):
            found[item] += rows
            stands[item] += 1
        if len(found) > most:  # as happens soon with parts of sentences
            return None
    several = sum(values > 1 for values in stands.values())
    return found if all(found) and several >= combined * len(found) and _are_things(found) else None


def _are_things(found: Counter[str]) -> bool:
    """Whether items are short and recur, unlike sentences and streets."""
    named = sum(any(map(str.isalpha, item)) for item in found)
    return found.total() >= _REPEATED * len(found) and 2 * named > len(found) and _are_short(found)


def _are_short(items: Collection[str]) -> bool:
    return sum(map(len, items)) <= _LONGEST * len(items)
