"""Values of the records that stand in a question, with the columns that have them."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rlm_local.collection.info import Column, Table
from rlm_local.collection.values import MOST_WORDS, NEAR, WORD, Ask, akin, fold
from rlm_local.collection.words import breaks, unspaced

Span = tuple[int, int]
"""A span of characters of a question."""

_LONGEST = 5
"""The most words of a value in a question."""

_LONGEST_RUN, _MOST_CHARACTERS = 8, 200
"""The most characters: of a value in a script without spaces; of a question that is searched for such values."""

_SHORT = 3
"""So short a value has to be written exactly: "R" is a rating and "ARE" a country, but "are" is a word."""

_LONG = 4
"""The fewest letters of a word that is compared with the words of repeated texts."""

_FORMS = 40
"""Forms of a word are looked for only in columns with at most this many values; among more, other words begin alike."""

_FOUND, _COLUMNS, _EVENTS = 8, 4, 3
"""The most mentions; the most columns for one phrase; the most runs of words of events."""

_TEXTS = frozenset(("category", "id", "list", "text"))


@dataclass(frozen=True)
class Mention:
    """A value of a column that stands in a question. `within`: it is words that texts of the column contain."""

    table: str
    column: str
    text: str
    within: bool = False


def mentioned(ask: Ask, tables: Sequence[Table], question: str) -> list[Mention]:
    """Values that stand in a question, at most eight, those with more words first, and no part of another value.

    A word of a log's events counts only if no column of their table has it as a value.
    """
    phrases = dict(_phrases(question))
    found: list[tuple[Span, Mention]] = []
    for table in tables:
        for column in table.columns:
            named = column.name == "document" or (table.kind == "documents" and column.name == "name")
            if named or column.type not in _TEXTS:
                continue
            for value, span in _values(ask, table, column, phrases, question):
                written = question[slice(*span)] == value and not value.islower()
                if written or len(value) > _SHORT or any(map(str.isdigit, value)):
                    found.append((span, Mention(table.name, column.name, value, within=column.type == "list")))
    found.sort(key=lambda each: each[0][0] - each[0][1])
    spans = {span for span, _ in found}
    columns: Counter[Span] = Counter()
    kept: list[Mention] = []
    for span, mention in found:
        columns[span] += 1
        if columns[span] <= _COLUMNS and not any(_inside(span, other) for other in spans):
            kept.append(mention)
    values = {(mention.table, fold(mention.text)) for mention in kept}
    events = [event for table in tables if table.kind == "lines" for event in _events(table, question)]
    return [*kept[:_FOUND], *(event for event in events if (event.table, fold(event.text)) not in values)]


def _inside(span: Span, other: Span) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def _phrases(question: str) -> Iterator[tuple[str, Span]]:
    """Runs of up to five words, parts of words between marks, and runs of up to eight characters in scripts without
    spaces, by their folded text."""
    words = list(WORD.finditer(question))[:MOST_WORDS]
    for first, start in enumerate(words):
        for last in words[first : first + _LONGEST]:
            yield fold(question[start.start() : last.end()]), (start.start(), last.end())
        for part in re.finditer(r"\w+", start.group()):
            yield fold(part.group()), (start.start() + part.start(), start.start() + part.end())
    for run in unspaced(question[:_MOST_CHARACTERS]):
        for start, end in itertools.combinations(breaks(run), 2):
            if 1 < end - start <= _LONGEST_RUN:
                yield fold(question[start:end]), (start, end)


def _values(
    ask: Ask, table: Table, column: Column, phrases: dict[str, Span], question: str
) -> Iterator[tuple[str, Span]]:
    """The values of a column that are phrases of the question; if the column has few values, also in another form."""
    rows: Iterable[tuple[Any, ...]]
    if column.type == "list" or column.distinct <= len(column.common):
        rows = column.common
    elif column.distinct > NEAR:
        written = [question[slice(*span)] for span in phrases.values()]
        marks = ", ".join("?" * len(written))
        rows = ask(
            f'SELECT DISTINCT "{column.name}" FROM "{table.name}" '
            f'WHERE "{column.name}" COLLATE NOCASE IN ({marks}) LIMIT {2 * _FOUND}',
            written,
        )
    else:
        rows = ask(f'SELECT DISTINCT "{column.name}" FROM "{table.name}" WHERE "{column.name}" IS NOT NULL', ())
    values = {str(value): fold(str(value)) for value, *_ in rows}
    exact = [(value, phrases[folded]) for value, folded in values.items() if folded in phrases]
    yield from exact
    if not exact and column.type in ("category", "list") and column.distinct <= _FORMS:
        for value, folded in values.items():
            words = folded.count(" ")
            forms = [
                span
                for phrase, span in phrases.items()
                if (phrase.count(" ") == words and akin(phrase, folded)) or _names(phrase, folded)
            ]
            if forms:
                yield value, max(forms, key=lambda span: span[1] - span[0])


def _names(phrase: str, value: str) -> bool:
    """Whether a question calls a value of two words without a space by one of them: chrome.exe is Chrome."""
    parts = re.findall(r"\w+", value)
    return " " not in value and len(parts) == 2 and len(phrase) >= _LONG and phrase in parts


def _events(table: Table, question: str) -> Iterator[Mention]:
    """Words of a log's events in the question: those that stand together, else the longest word."""
    for column in table.columns:
        if column.name != "event":
            continue
        runs = _runs([str(value) for value, _ in column.common], question)
        together = [run for run in runs if " " in run]
        told = together or sorted((run for run in runs if len(run) > _LONG), key=len)[-1:]
        yield from (Mention(table.name, column.name, run, within=True) for run in told[:_EVENTS])


def _runs(texts: Sequence[str], question: str) -> list[str]:
    """Runs of words in the question that repeated texts have, in any form, except what most of the texts have."""
    asked = [fold(word) for word in re.findall(r"\w+", question) if len(word) >= _LONG]
    counts: Counter[str] = Counter()
    for text in texts:
        runs: list[str] = []
        end = -1
        for word in re.finditer(r"(?<![<\w])\w+(?![>\w])", text):
            if not any(akin(fold(word.group()), one) for one in asked):
                continue
            if word.start() == end + 1 and text[end] == " ":
                runs[-1] += f" {word.group()}"
            else:
                runs.append(word.group())
            end = word.end()
        counts.update(set(runs))
    telling = {fold(run): run for run, count in counts.items() if 2 * count <= len(texts)}
    return [run for own, run in telling.items() if not any(own != other and own in other for other in telling)]
