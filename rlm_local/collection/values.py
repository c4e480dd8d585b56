"""Values of a column that a text could mean, and what makes two texts much the same.

Queries here are ours, with words as parameters: no SQL of a model's is run.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rlm_local.collection.info import Column, Table

Ask = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]
"""Runs a query of ours with parameters."""

REPEATED = 5
"""Rows to a different value: texts that come back so often, as a log's events do, are much like categories."""

WORD = re.compile(r"\w+(?:[-.'/&\u2019]\w+)*")
MOST_WORDS = 80
"""Words of a question that are looked at."""

NEAR = 400
"""Different values of a column that are gone through one by one."""

_STEM, _ALIKE, _ENDING = 4, 0.6, 3
"""Letters, and share of the longer word, in which two forms of a word begin alike; letters in which they end."""

_DIGITS = 2


def fold(text: str) -> str:
    """Text without case, accents and differences of spacing."""
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def values_like(ask: Ask, table: Table, column: Column, text: str) -> list[str]:
    """Values that the text may mean: the same but for the case of ASCII letters, then those most often there."""
    same = ask(f'SELECT DISTINCT "{column.name}" FROM "{table.name}" WHERE "{column.name}" = ? COLLATE NOCASE', (text,))
    near = [str(value) for value, _ in column.common]
    if column.type == "category" and column.distinct > len(near):
        more = ask(f'SELECT DISTINCT "{column.name}" FROM "{table.name}" LIMIT {NEAR}', ())
        near += [str(value) for (value,) in more if value is not None]
    return list(dict.fromkeys([str(value) for (value,) in same] + near))


def codes(question: str) -> list[str]:
    """Words of a question that can only be a thing's own code: letters and at least two digits, as in CVE-2024-3094."""
    words = [match.group() for match in WORD.finditer(question)][:MOST_WORDS]
    return [word for word in words if any(map(str.isalpha, word)) and sum(map(str.isdigit, word)) >= _DIGITS]


def akin(one: str, other: str) -> bool:
    """Whether two words begin alike, as the forms of one word do in most languages: comedy, comedies."""
    alike = 0
    while alike < min(len(one), len(other)) and one[alike] == other[alike]:
        alike += 1
    longest = max(len(one), len(other))
    return alike >= _STEM and alike >= _ALIKE * longest and longest - alike <= _ENDING


def in_any_form(word: str, words: Iterable[str]) -> bool:
    """Whether a word, or another form of it, is one of some words; all of them folded."""
    return any(word == other or akin(word, other) for other in words)
