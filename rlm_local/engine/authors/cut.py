"""Cuts a card that is too long to the tables and columns that a question may concern.

A column is kept if the question has one of its values or words of its name, or if it is a reference; next, if most rows
give it, it stands early, or its table has many rows. What is left out is named as far as there is room.
"""

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log1p

from rlm_local.collection.values import MOST_WORDS, fold, in_any_form
from rlm_local.collection.words import is_common

_NAMED = 200
"""Characters for the names of what is left out, for each table."""

_FAMILY = 10
"""How many columns whose names begin alike are a family; of one that stands late, and that the question does not ask
for, only the name is shown."""

_LEAST_SHARE = 3
"""Tables of which only the names are shown may take a third of a card."""

_LARGEST = 4
"""The weight of a column of the table with the most rows."""

_FIRST = 3
"""How many columns of a table count as early."""


@dataclass(frozen=True)
class Line:
    """A column on the card. `key`: it is part of a reference; `full`: most rows give it, and not all the same value."""

    name: str
    label: str
    text: str
    key: bool = False
    full: bool = False

    @property
    def family(self) -> str:
        """How the name begins."""
        return self.name.partition("_")[0]


@dataclass(frozen=True)
class Sheet:
    """A table on the card. `rows`: how many it has; `left`: the columns that are not shown."""

    name: str
    head: str
    rows: int
    lines: tuple[Line, ...]
    left: tuple[str, ...] = ()

    @cached_property
    def families(self) -> Counter[str]:
        """How many columns share the beginning of their names, as translations_ces and translations_deu do."""
        return Counter(line.family for line in self.lines)

    @property
    def size(self) -> int:
        return len(self.head) + sum(len(line.text) + 1 for line in self.lines)

    def __str__(self) -> str:
        more = [f"  -- also: {names(self.left)}"] if self.left else []
        return "\n".join([self.head, *(line.text for line in self.lines), *more, ");"])


def cut(sheets: Sequence[Sheet], longest: int, question: str, mentioned: Container[tuple[str, str]]) -> list[Sheet]:
    """The columns with the highest weights, up to so many characters, in their order; not all of very many tables."""
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
    """The tables whose names fit: the last, which is that of documents, those that are asked for, and the largest."""

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
    """The characters of a table of which only the names are shown."""
    return len(sheet.head) + min(_NAMED, sum(len(line.name) + 2 for line in sheet.lines))


def _weight(sheet: Sheet, place: int, line: Line, asked: Sequence[str], mentioned: Container[tuple[str, str]]) -> float:
    few = len(sheet.lines) <= _FIRST
    usual = 2 * line.key + 1.5 * line.full + (place < _FIRST) + few - place / len(sheet.lines)
    return 3 * _shared(sheet.name, asked) + _asked(sheet, line, asked, mentioned) + usual


def _size(sheet: Sheet, most: int) -> float:
    """The weight that a table's size gives to its columns: the largest tables are what the collection is about."""
    return _LARGEST * log1p(sheet.rows) / log1p(most) if most else 0


def _asked(sheet: Sheet, line: Line, asked: Sequence[str], mentioned: Container[tuple[str, str]]) -> float:
    """The weight that the question gives to a column: for one of its values, or words of its name."""
    return 4 * ((sheet.name, line.name) in mentioned) + 3 * _shared(f"{line.name}_{line.label}", asked)


def _shared(name: str, asked: Sequence[str]) -> int:
    """How many words of a name the question has, in any form, once each."""
    words = set(re.findall(r"[^\W_]+", fold(name)))
    return sum(in_any_form(word, asked) for word in words)


def names(names: Sequence[str]) -> str:
    """The names of what is left out, as far as there is room."""
    text = ", ".join(names)
    return text if len(text) <= _NAMED else f"{text[:_NAMED].rpartition(',')[0]}, ..."
