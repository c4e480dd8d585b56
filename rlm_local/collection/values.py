"""Values of a collection's columns that a text could mean; and those that stand in a question.

Queries here are ours, with the words of the question as parameters: no SQL of a model's is run.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rlm_local.collection.info import Column, Table

Ask = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]
"""Runs a query of ours with parameters."""

_LONGEST = 5
"""Words that a value in a question may have."""

_MOST_WORDS = 80
"""Words of a question that are looked at."""

_SHORT = 3
"""Characters of a value that has to be written as it is: "R" is a rating, "a" is a word."""

REPEATED = 5
"""Rows to a different value: texts that come back so often, as a log's events do, are much like categories."""

_STEM, _ALIKE = 4, 0.6
"""Letters, and share of the longer word, in which two forms of a word begin alike."""

_DIGITS = 2
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


def codes(question: str) -> list[str]:
    """Words of a question that can only be a thing's own code: letters and at least two digits, as in CVE-2024-3094."""
    words = [match.group() for match in _WORD.finditer(question)][:_MOST_WORDS]
    return [word for word in words if any(map(str.isalpha, word)) and sum(map(str.isdigit, word)) >= _DIGITS]


@dataclass(frozen=True)
class Mention:
    """A value of a column that stands in a question; `within`: words that texts of the column hold."""

    table: str
    column: str
    text: str
    within: bool = False


def mentioned(ask: Ask, tables: Sequence[Table], question: str) -> list[Mention]:
    """Values that stand in a question; longer ones first, none within a longer one."""
    phrases = dict.fromkeys(_phrases(question))
    found: list[Mention] = []
    for table in tables:
        for column in table.columns:
            if column.type not in _TEXTS or column.name in ("document", "text"):
                continue
            found += [Mention(table.name, column.name, value) for value in _in(ask, table, column, phrases, question)]
            if column.type == "text" and column.distinct * REPEATED <= column.given:
                runs = _runs([str(value) for value, _ in column.common], question)
                found += [Mention(table.name, column.name, run, within=True) for run in runs]
    found.sort(key=lambda mention: -len(mention.text))
    return _outermost(found)[:_FOUND]


def _phrases(question: str) -> Iterator[str]:
    words = list(_WORD.finditer(question))[:_MOST_WORDS]
    for first, start in enumerate(words):
        for last in words[first : first + _LONGEST]:
            yield question[start.start() : last.end()]
        yield from re.findall(r"\w+", start.group())


def _in(ask: Ask, table: Table, column: Column, phrases: dict[str, None], question: str) -> list[str]:
    """The values of one column that a phrase of the question is; of few values also those that a word is a form of."""
    folded = {fold(phrase) for phrase in phrases}
    if column.distinct <= len(column.common):
        values = [str(value) for value, _ in column.common]
        found = [value for value in values if fold(value) in folded]
        found = found or [value for value in values if any(akin(fold(value), phrase) for phrase in folded)]
    else:
        marks = ", ".join("?" * len(phrases))
        rows = ask(
            f'SELECT DISTINCT "{column.name}" FROM "{table.name}" '
            f'WHERE "{column.name}" COLLATE NOCASE IN ({marks}) LIMIT {2 * _FOUND}',
            list(phrases),
        )
        found = [str(value) for (value,) in rows]
    return [value for value in found if len(value) > _SHORT or _stands(value, question)]


def akin(one: str, other: str) -> bool:
    """Whether two words begin alike, as the forms of one word do in most languages: comedy, comedies."""
    alike = 0
    while alike < min(len(one), len(other)) and one[alike] == other[alike]:
        alike += 1
    return alike >= _STEM and alike >= _ALIKE * max(len(one), len(other))


def _runs(texts: Sequence[str], question: str) -> list[str]:
    """Runs of words of repeated texts that the question has, the longest; not what most of the texts have."""
    asked = [fold(word) for word in re.findall(r"\w+", question) if len(word) >= _STEM]
    counts: Counter[str] = Counter()
    for text in texts:
        words = list(_WORD.finditer(text))
        known = [any(akin(fold(word.group()), one) for one in asked) for word in words]
        runs: set[str] = set()
        first = 0
        while first < len(words):
            last = first
            while last < len(words) and known[last]:
                last += 1
            if last > first:
                runs.add(text[words[first].start() : words[last - 1].end()])
            first = last + 1
        counts.update(runs)
    return [run for run, count in counts.items() if 2 * count <= len(texts)]


def _stands(value: str, question: str) -> bool:
    """Whether a short value stands in the question as it is written, on its own."""
    return value in re.findall(r"\w+", question) and not value.islower()


def _outermost(found: Sequence[Mention]) -> list[Mention]:
    kept: list[Mention] = []
    for mention in found:
        own = fold(mention.text)
        if not any(own in fold(other.text) and own != fold(other.text) for other in kept):
            kept.append(mention)
    return kept
