"""Values of a collection's columns that a text could mean; and those that stand in a question.

Queries here are ours, with the words of the question as parameters: no SQL of a model's is run.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rlm_local.collection.info import Column, Table

Ask = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]
"""Runs a query of ours with parameters."""

_LONGEST = 5
"""Words that a value in a question may have."""

_MOST_WORDS = 80
"""Words of a question that are looked at."""

_SHORT = 2
"""Characters of a value that has to be written as it is: "R" is a rating, "a" is a word."""

_FOUND = 8
_NEAR = 400
_TEXTS = frozenset(("category", "id", "text"))
_WORD = re.compile(r"\w+(?:[-.'/&\u2019]\w+)*")


def fold(text: str) -> str:
    """Text without case, accents and differences of spacing."""
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def values_like(ask: Ask, table: Table, column: Column, text: str) -> list[str]:
    """Values that the text may mean: the same but for the case of ASCII letters, then those most often there."""
    same = ask(f'SELECT DISTINCT "{column.name}" FROM "{table.name}" WHERE "{column.name}" = ? COLLATE NOCASE', (text,))
    near = [str(value) for value, _ in column.common]
    if column.type == "category" and column.distinct > len(near):
        more = ask(f'SELECT DISTINCT "{column.name}" FROM "{table.name}" LIMIT {_NEAR}', ())
        near += [str(value) for (value,) in more if value is not None]
    return list(dict.fromkeys([str(value) for (value,) in same] + near))


def mentioned(ask: Ask, tables: Sequence[Table], question: str) -> list[tuple[str, str, str]]:
    """Values that stand in a question, each with its table and column; longer ones first, none within a longer one."""
    phrases = dict.fromkeys(_phrases(question))
    found: list[tuple[str, str, str]] = []
    for table in tables:
        for column in table.columns:
            if column.type in _TEXTS and column.name not in ("document", "text"):
                found += [(table.name, column.name, value) for value in _in(ask, table, column, phrases, question)]
    found.sort(key=lambda mention: -len(mention[2]))
    return _outermost(found)[:_FOUND]


def _phrases(question: str) -> Iterator[str]:
    words = list(_WORD.finditer(question))[:_MOST_WORDS]
    for first, start in enumerate(words):
        for last in words[first : first + _LONGEST]:
            yield question[start.start() : last.end()]
        yield from re.findall(r"\w+", start.group())


def _in(ask: Ask, table: Table, column: Column, phrases: dict[str, None], question: str) -> list[str]:
    """The values of one column that a phrase of the question is."""
    folded = {fold(phrase) for phrase in phrases}
    if column.distinct <= len(column.common):
        found = [str(value) for value, _ in column.common if fold(str(value)) in folded]
    else:
        marks = ", ".join("?" * len(phrases))
        rows = ask(
            f'SELECT DISTINCT "{column.name}" FROM "{table.name}" '
            f'WHERE "{column.name}" COLLATE NOCASE IN ({marks}) LIMIT {2 * _FOUND}',
            list(phrases),
        )
        found = [str(value) for (value,) in rows]
    return [value for value in found if len(value) > _SHORT or _stands(value, question)]


def _stands(value: str, question: str) -> bool:
    """Whether a short value stands in the question as it is written, on its own."""
    return value in re.findall(r"\w+", question) and not value.islower()


def _outermost(found: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    kept: list[tuple[str, str, str]] = []
    for mention in found:
        inside = any(fold(mention[2]) in fold(other[2]) and fold(mention[2]) != fold(other[2]) for other in kept)
        if not inside:
            kept.append(mention)
    return kept
