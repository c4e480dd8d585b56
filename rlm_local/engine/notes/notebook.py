"""A node's notes: a child takes notes of its part; its parent has them taken of all parts, and merges them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rlm_local.collection.view import View
from rlm_local.engine.batches import Batch, Batches
from rlm_local.engine.budget import Price
from rlm_local.engine.child import Ask, noting
from rlm_local.engine.citations import in_common, in_own_words, may_be_translated, unsupported, writes_nouns
from rlm_local.engine.notes.part import Part, Span, parts_of, spread
from rlm_local.engine.notes.point import CITED, LENGTHS, POINTS, Length, Point, foremost, gathered, worded
from rlm_local.engine.notes.prompts import (
    MERGE_TOKENS,
    TAKE_TOKENS,
    lines_of,
    merge_grammar,
    merge_prompt,
    take_grammar,
    take_prompt,
)
from rlm_local.engine.result import Result
from rlm_sandbox import HostCallRefused

_ROUND = 8
"""How many parts children take notes of before the clock is checked."""

_GROUP = 24
"""How many points are merged at once. If there are more, each group is merged to a third of that first, and so on."""

_CHARACTERS = 3  # in a token, at least
_SPARE = 0.2  # the share of what is left that is kept for merging
_MOST_PLACES = 20

Children = Callable[[Sequence[Ask]], Sequence[Result]]
Told = Callable[[str, list[Span]], None]
"""(text, places): what to show if the run is stopped now."""


@dataclass(frozen=True)
class Notebook:
    """The host calls of notes.

    Args:
        children: runs children to their ends.
        span: checks a place that a cell gave.
        so_far: called after each round of children, with what there is to show.
        note: called with what the result does not show by itself.
    """

    batches: Batches
    view: View
    children: Children
    span: Callable[[Any], Span]
    so_far: Told
    note: Callable[[str], None]

    def calls(self) -> dict[str, Callable[..., Any]]:
        """The host calls, by name."""
        return {"take_notes": self._take, "read_through": self._read_through, "summed_up": self._summed_up}

    # ---- notes of one part

    def _take(self, question: Any) -> list[dict[str, Any]]:
        """Points of everything that the node looks at, which is short."""
        pieces = [(piece.start, piece.end) for piece in self.view.documents]
        texts = [self.view.text(*piece) for piece in pieces]
        shown = [
            f"{self.view.span(*piece).document}\n{text.strip()}" for piece, text in zip(pieces, texts, strict=True)
        ]
        prompt = take_prompt(_question(question), shown)
        batch = Batch("query", "take notes", [prompt], reply_tokens=TAKE_TOKENS)
        [made] = self.batches.write(batch, take_grammar(len(shown)))
        lines = lines_of(made.text)
        nouns = writes_nouns(" ".join(text for _, text in lines))
        points: list[Point] = []
        for cited, text in lines:
            order = [place for place in dict.fromkeys((*cited, *range(len(shown)))) if place < len(shown)]
            fit = [place for place in order if not unsupported(text, shown[place], nouns=nouns)]
            if fit:
                points += self._stating(text, {pieces[place]: texts[place] for place in fit}, "\n".join(texts))
        return [point.data() for point in gathered(points)]

    def _stating(self, text: str, fitting: Mapping[Span, str], all_of_it: str) -> list[Point]:
        """A sentence as a point, if one of these pieces states it; in the piece's own words if need be."""
        told = {piece: in_own_words(text, source) for piece, source in fitting.items()}
        best = min(told, key=lambda at: (told[at] != text, told[at] is None, -in_common(text, fitting[at])))
        said = told[best] or (text if may_be_translated(text, all_of_it) else "")
        return [self._point(said, [best])] if said else []

    def _point(self, text: str, places: Sequence[Span]) -> Point:
        return Point(text, tuple(places), frozenset(self.view.span(*place).document for place in places))

    # ---- notes of all parts

    def _read_through(self, question: Any, spans: Any) -> list[dict[str, Any]]:
        """Points of all parts; of an evenly spread sample if tokens or time do not suffice, which is noted then."""
        asked = _question(question)
        parts, number = parts_of(self.view, [self.span(span) for span in _list(spans)])
        order = spread(len(parts))
        found: dict[int, list[Point]] = {}
        wanted = self._fitting([parts[place] for place in order])
        if parts and not wanted:
            raise HostCallRefused(f"there are no tokens left to take notes of any of {number:,} parts")
        while len(found) < wanted:
            now = order[len(found) : min(wanted, len(found) + _ROUND)]
            if found and not self._price([parts[place] for place in now]).tokens <= self._in_time():
                break
            self._tell(len(found), wanted, number, parts)
            asks = [Ask.of_notes(asked, parts[place].label, self.view, parts[place].pieces) for place in now]
            for place, result in zip(now, self.children(asks), strict=True):
                found[place] = self._points(result.value)
            points = [point for place in sorted(found) for point in found[place]]
            self.so_far(*self._text(gathered(points), "medium", f"of {len(found):,} of {number:,} parts"))
        if len(found) < number:
            self.note(f"from {len(found):,} of {number:,} parts, spread evenly")
            self.batches.unseen.append(f"{number - len(found):,} of {number:,} parts")
        return [point.data() for place in sorted(found) for point in found[place]]

    def _price(self, parts: Sequence[Part]) -> Price:
        sizes = (sum(end - start for start, end in part.pieces) // _CHARACTERS for part in parts)
        return sum(map(noting, sizes), Price(0, 0))

    def _fitting(self, parts: Sequence[Part]) -> int:
        """How many of the parts, from the first, the budget allows, with something left for merging."""
        left = self.batches.budget.left
        room = Price(int(left.tokens * (1 - _SPARE)), int(left.calls * (1 - _SPARE)), left.nodes)
        price = Price(0, 0)
        for number, part in enumerate(parts):
            price += self._price([part])
            if not price.within(room):
                return number
        return len(parts)

    def _in_time(self) -> float:
        room = self.batches.pace.room
        return math.inf if room is None else room * (1 - _SPARE)

    def _tell(self, done: int, wanted: int, number: int, parts: Sequence[Part]) -> None:
        price = self._price(parts).tokens * wanted // len(parts)
        what = f"take notes of {wanted:,} of {number:,} parts, some {price:,} tokens"
        self.batches.say("call", what, {"kind": "notes", "calls": wanted, "done": done}, done / wanted)

    # ---- merging

    def _summed_up(self, question: Any, points: Any, length: Any) -> dict[str, Any]:
        """The points that answer the question, as many as the length allows; and as text, with the places it cites."""
        asked = _question(question)
        if length not in LENGTHS:
            raise HostCallRefused(f"a length is one of {', '.join(LENGTHS)}")
        most = POINTS[length]
        all_of_them = self._points(points)
        left = gathered(all_of_them)
        try:
            while len(left) > _GROUP:
                groups = [left[at : at + _GROUP] for at in range(0, len(left), _GROUP)]
                left = gathered([each for group in self._brought(asked, groups, _GROUP // 3) for each in group])
            if len(left) > 1:
                [left] = self._brought(asked, [left], most)
        except HostCallRefused:  # no tokens are left for merging: take those that most documents say
            pass
        brought = len(gathered(left))
        left = foremost(gathered([*left, *all_of_them])[:brought], most)  # what others said in about the same words
        documents = len({source for point in all_of_them for source in point.sources})
        text, places = worded(left, length, documents)
        return {
            "points": [point.data() for point in left],
            "text": text,
            "evidence": [list(place) for place in places[:_MOST_PLACES]],
        }

    def _brought(self, question: str, groups: Sequence[Sequence[Point]], most: int) -> list[list[Point]]:
        """Each group of points merged into fewer, each with the places of those that it was written from."""
        prompts = [merge_prompt(question, [point.text for point in group]) for group in groups]
        what = f"bring {sum(map(len, groups)):,} notes together"
        batch = Batch("query", what, prompts, reply_tokens=MERGE_TOKENS * most)
        made = self.batches.write(batch, merge_grammar(max(map(len, groups)), most))
        replies = zip(made, groups, strict=True)
        return [self._checked(each.text, group) or foremost(group, most) for each, group in replies]

    def _checked(self, reply: str, group: Sequence[Point]) -> list[Point]:
        """The points of a reply. If one has a number, or a possible name, that the notes it cites do not have, it is
        replaced by the notes' own words."""
        lines = lines_of(reply)
        nouns = writes_nouns(" ".join(text for _, text in lines))
        points: list[Point] = []
        for cited, text in lines:
            own = [group[place] for place in cited if place < len(group)]
            if not own:
                continue
            whole = own[0].with_others(own[1:])
            source = "\n".join(self.view.text(*place) for place in whole.places[:CITED])
            known = "\n\n".join((source, *(each.text for each in own)))
            stands = not unsupported(text, source, nouns=nouns) and in_own_words(text, known) == text
            points.append(Point(text, whole.places, whole.sources) if stands else whole)
        return points

    def _text(self, points: Sequence[Point], length: Length, told: str) -> tuple[str, list[Span]]:
        documents = len({source for point in points for source in point.sources})
        text, places = worded(foremost(points, POINTS[length]), length, documents)
        return f"{text} ({told})" if text else "", places[:_MOST_PLACES]

    def _points(self, given: Any) -> list[Point]:
        """Points that a cell or a child gave; their places are checked, and their documents follow from these."""
        points: list[Point] = []
        for each in _list(given or []):
            match each:
                case {"point": str(text), "places": places} if text.strip() and places:
                    points.append(self._point(text, [self.span(place) for place in _list(places)]))
                case _:
                    raise HostCallRefused("a point is a text and its places")
        return points


def _question(question: Any) -> str:
    if not isinstance(question, str):
        raise HostCallRefused("the question must be a string")
    return question


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise HostCallRefused("spans and points are lists")
    return cast("list[Any]", value)
