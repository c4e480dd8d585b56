"""A card that is too long, cut to the tables and columns that a question may concern.

What speaks for a column: a value of it in the question, words that its name shares with it, a reference; then that most
rows give it, that it stands early, and that its table has many rows. What is left out is named as far as there is room.
"""

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log1p

from rlm_local.collection.values import MOST_WORDS, akin, fold
from rlm_local.collection.words import is_common

_NAMED = 200
"""Characters of names of what is left out, for each table."""

_FAMILY = 10
"""Columns whose names begin alike that are a family: of one that stands late and nothing asks for only the name is
shown."""

_LEAST_SHARE = 3
"""Of a card, a third may be taken by tables of which only the names are shown."""

_LARGEST = 4
"""What speaks for a column of the table with the most rows."""

_FIRST = 3
"""Columns of a table that stand early."""


@dataclass(frozen=True)
class Line:
    """A column on the card; `key`: it refers or is referred to; `full`: most rows give it, and not all the same."""

    name: str
    label: str
    text: str
    key: bool = False
    full: bool = False

    @property
    def family(self) -> str:
        """How its name begins."""
        return self.name.partition("_")[0]


@dataclass(frozen=True)
class Sheet:
    """A table on the card; `rows`: how many it has; `left` are the columns that are not shown."""

    name: str
    head: str
    rows: int
    lines: tuple[Line, ...]
    left: tuple[str, ...] = ()

    @cached_property
    def families(self) -> Counter[str]:
        """How many columns are much alike, by how their names begin, as translations_ces and translations_deu do."""
        return Counter(line.family for line in self.lines)

    @property
    def size(self) -> int:
        return len(self.head) + sum(len(line.text) + 1 for line in self.lines)

    def __str__(self) -> str:
        more = [f"  -- also: {names(self.left)}"] if self.left else []
        return "\n".join([self.head, *(line.text for line in self.lines), *more, ");"])


def cut(sheets: Sequence[Sheet], longest: int, question: str, mentioned: Container[tuple[str, str]]) -> list[Sheet]:
    """The columns that most speaks for, up to so many characters, in their order; of very many tables not all."""
    words = (word for word in re.findall(r"\w+", fold(question)) if not word.isdigit() and not is_common(word))
    asked = list(dict.fromkeys(words))[:MOST_WORDS]
    sheets = _some(sheets, longest // _LEAST_SHARE, asked, mentioned)
    most = max(sheet.rows for sheet in sheets)
    ranked = sorted(
        (
            (-_weight(sheet, place, line, asked, mentioned) - _size(sheet, most), number, place)
            for number, sheet in enumerate(sheets)
            for place, line in enumerate(sheet.lines)
            if place < _FIRST or sheet.families[line.family] <= _FAMILY or _asked(sheet, line, asked, mentioned)
        )
    )
    kept: list[set[int]] = [set() for _ in sheets]
    room = longest - sum(map(_least, sheets))
    for _, number, place in ranked:
        cost = len(sheets[number].lines[place].text) + 1
        if cost <= room:
            room -= cost
            kept[number].add(place)
    return [
        replace(
            sheet,
            lines=tuple(line for place, line in enumerate(sheet.lines) if place in own),
            left=tuple(line.name for place, line in enumerate(sheet.lines) if place not in own),
        )
        for sheet, own in zip(sheets, kept, strict=True)
    ]


def _some(
    sheets: Sequence[Sheet], room: int, asked: Sequence[str], mentioned: Container[tuple[str, str]]
) -> Sequence[Sheet]:
    """The tables whose names alone have room: the last, of documents, those that are asked for, and the largest."""

    def rank(number: int) -> tuple[bool, float, int]:
        sheet = sheets[number]
        columns = max((_asked(sheet, line, asked, mentioned) for line in sheet.lines), default=0)
        return number + 1 < len(sheets), -3 * _shared(sheet.name, asked) - columns, -sheet.rows

    kept: set[int] = set()
    for number in sorted(range(len(sheets)), key=rank):
        room -= _least(sheets[number])
        if room < 0:
            break
        kept.add(number)
    return [sheet for number, sheet in enumerate(sheets) if number in kept]


def _least(sheet: Sheet) -> int:
    """Characters of a table of which only the names are shown."""
    return len(sheet.head) + min(_NAMED, sum(len(line.name) + 2 for line in sheet.lines))


def _weight(sheet: Sheet, place: int, line: Line, asked: Sequence[str], mentioned: Container[tuple[str, str]]) -> float:
    few = len(sheet.lines) <= _FIRST
    usual = 2 * line.key + 1.5 * line.full + (place < _FIRST) + few - place / len(sheet.lines)
    return 3 * _shared(sheet.name, asked) + _asked(sheet, line, asked, mentioned) + usual


def _size(sheet: Sheet, most: int) -> float:
    """What speaks for each column of a table that is among the largest: it is what the collection is about."""
    return _LARGEST * log1p(sheet.rows) / log1p(most) if most else 0


def _asked(sheet: Sheet, line: Line, asked: Sequence[str], mentioned: Container[tuple[str, str]]) -> float:
    """What in the question speaks for a column: a value of it, words of its name."""
    return 4 * ((sheet.name, line.name) in mentioned) + 3 * _shared(f"{line.name}_{line.label}", asked)


def _shared(name: str, asked: Sequence[str]) -> int:
    """Words of a name that the question has, in any form, once each."""
    words = set(re.findall(r"[^\W_]+", fold(name)))
    return sum(any(word == other or akin(word, other) for other in asked) for word in words)


def names(names: Sequence[str]) -> str:
    """Names of what is left out, as far as there is room."""
    text = ", ".join(names)
    return text if len(text) <= _NAMED else f"{text[:_NAMED].rpartition(',')[0]}, ..."
