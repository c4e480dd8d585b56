"""A point: one sentence of a summary, and the places that it rests on."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from rlm_local.collection.words import segmented
from rlm_local.engine.notes.part import Span

Length = Literal["short", "medium", "long", "points"]
LENGTHS: tuple[Length, ...] = get_args(Length)
POINTS: dict[Length, int] = {"short": 3, "medium": 7, "long": 15, "points": 7}
"""The most points of a summary."""

CITED = 3
"""How many places of a point its text cites; all are counted."""

_WORD = re.compile(r"[^\W_]+")
_STEM = 5
"""Two sentences are compared by this many letters of each word."""

_ALIKE = 0.6
"""The share of the words that sentences have in common at least, if they say the same."""


@dataclass(frozen=True)
class Point:
    """A sentence with where it comes from.

    Attributes:
        places: spans of the context; those that it was written from come first.
        sources: the documents that say it, of those that were read.
    """

    text: str
    places: tuple[Span, ...]
    sources: frozenset[str]

    def data(self) -> dict[str, Any]:
        """Plain data, for a cell."""
        return {"point": self.text, "places": [list(place) for place in self.places], "documents": len(self.sources)}

    def with_others(self, others: Iterable["Point"]) -> "Point":
        """The same point, said by others, too."""
        places, sources = dict.fromkeys(self.places), self.sources
        for other in others:
            places.update(dict.fromkeys(other.places))
            sources |= other.sources
        return replace(self, places=tuple(places), sources=sources)


def gathered(points: Sequence[Point]) -> list[Point]:
    """The points in order; those in about the same words become one."""
    kept: list[tuple[_Words, Point]] = []
    for point in points:
        words = _Words.of(point.text)
        at = next((place for place, (others, _) in enumerate(kept) if words.alike(others)), None)
        if at is None:
            kept.append((words, point))
        else:
            kept[at] = (kept[at][0], kept[at][1].with_others([point]))
    return [point for _, point in kept]


def foremost(points: Sequence[Point], most: int) -> list[Point]:
    """The points that most documents say, in the given order."""
    ranked = sorted(range(len(points)), key=lambda place: (-len(points[place].sources), place))
    return [points[place] for place in sorted(ranked[:most])]


def worded(points: Sequence[Point], length: Length, documents: int) -> tuple[str, list[Span]]:
    """The points as text, each with the numbers of the places that it cites, and these places in order.

    Args:
        documents: how many were read; if several, each point tells how many of them say it.
    """
    places: dict[Span, int] = {}
    told: list[str] = []
    for point in points:
        marks = [places.setdefault(place, len(places) + 1) for place in point.places[:CITED]]
        several = f" ({len(point.sources)} of {documents:,})" if documents > 1 and len(point.sources) > 1 else ""
        told.append(f"{point.text}{several} [{', '.join(map(str, marks))}]")
    lines = [f"- {each}" for each in told] if length == "points" else told
    return ("\n" if length == "points" else " ").join(lines), list(places)


@dataclass(frozen=True)
class _Words:
    """What a sentence is compared by: the beginnings of its words, and its numbers."""

    stems: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "_Words":
        words = [word.casefold() for word in _WORD.findall(segmented(text))]
        return cls(
            frozenset(word[:_STEM] for word in words if len(word) > 1),
            frozenset(word for word in words if any(map(str.isdigit, word))),
        )

    def alike(self, other: "_Words") -> bool:
        """Whether both say the same: about the same words, and the same numbers."""
        shared, all_of_them = self.stems & other.stems, self.stems | other.stems
        return self.numbers == other.numbers and len(shared) >= _ALIKE * max(1, len(all_of_them))
