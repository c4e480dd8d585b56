"""Passages that speak of a question, without an index: counted in the text when they are asked for."""

import bisect
import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property

from .records import Item, Text
from .words import beginning, keys, proper, query_stems

Span = tuple[int, int]

_COMMON_SHARE = 0.2
_ENUMERABLE = 40_000
_TIMES = 0.5
"""BM25's k1, lower than for documents: in a passage it matters that a word is there, hardly how often."""

_FAR_BEHIND = 0.7  # of the best hop
_FEW = 2  # places of a document that a key leads to
_EVERYWHERE = 12  # documents: a key in more names no one thing
_RECORDS = frozenset(("csv", "tsv", "json", "jsonl"))


class Retrieval:
    """Search in a text; `passages` gives the spans that it is cut into, in order, and is asked once."""

    def __init__(self, text: Text, passages: Callable[[], list[Span]]) -> None:
        self.text = text
        self._ask = passages

    def find(self, query: str, k: int = 8, where: Sequence[Item] | None = None, near: float = 0.0) -> list[Item]:
        """Up to k passages that speak of the query, best first; `where` limits the search to these items.

        With `near`, only those that score at least this share of the best: where one passage holds all that is asked
        about, others only distract.

        Ranking is BM25 without an index: each query word is counted in the lower-cased text, and only the rare ones are
        located, so that megabytes cost a fraction of a second.
        """
        spans = [(i.start, i.end) for i in where] if where is not None else self._passages
        if not spans:
            return []
        spans = sorted(spans)
        starts = [a for a, _ in spans]
        average = sum(b - a for a, b in spans) / len(spans) or 1.0
        scores: dict[int, float] = {}
        for stem, weight in query_stems(query).items():
            places = self._located(stem, starts, spans)
            if not places or (len(places) > _COMMON_SHARE * len(spans) and len(spans) > 20 and len(scores) > 0):
                continue
            idf = math.log(1 + (len(spans) - len(places) + 0.5) / (len(places) + 0.5))
            for index, times in places.items():
                length = (spans[index][1] - spans[index][0]) / average
                frequency = times * (1 + _TIMES) / (times + _TIMES * (0.4 + 0.6 * length))
                scores[index] = scores.get(index, 0.0) + weight * idf * idf * frequency
        best = sorted(scores, key=lambda i: (-scores[i], i))[:k]
        return [Item(self.text, *spans[i]) for i in best if scores[i] >= near * scores[best[0]]]

    def absent(self, question: str) -> list[str]:
        """The names and codes of a question that stand nowhere in the documents: what is asked of them is not there."""
        return [word for word in proper(question) if not self._occurs(word)]

    def follow(
        self, passages: Sequence[Item], question: str = "", k: int = 4, known: Sequence[Item] = ()
    ) -> list[Item]:
        """Up to k passages that say more about a name, code or number in these: the next hop; none of the `known`.

        A key is worth following into a document that speaks of it once or twice (a register, a letter), however often
        others repeat it; one that many documents speak of names no one thing. Where all of the first are known, the
        first hop goes to the one or two places of another that hold most of the words of the question that are left.
        Records count double, they say what a thing is, and more where their document is named in the question; so does
        a key that stands in one sentence with words of it. What is far behind the best is left.
        """
        asked = list(query_stems(question))
        spans = self._passages
        starts = [a for a, _ in spans]
        seen = {(p.start, p.end) for p in (*passages, *known)}
        left = set(asked).difference(*(self._held(asked, span) for span in seen))
        gains: dict[Span, float] = {}
        for rank, passage in enumerate(passages):
            for key, sentence in keys(passage.text):
                near = 3.0 if any(word in sentence for word in asked) else 1.0
                by_document: dict[int, list[int]] = {}
                for index in self._located(key, starts, spans):
                    by_document.setdefault(self.text.index_at(spans[index][0]), []).append(index)
                if len(by_document) > _EVERYWHERE:
                    continue
                telling = {d: places for d, places in by_document.items() if len(places) <= _FEW}
                if not known and all(spans[index] in seen for places in telling.values() for index in places):
                    telling |= {d: told for d, places in by_document.items() if (told := self._told(places, left))}
                for document, places in telling.items():
                    source = self.text.documents[document]
                    named = sum(word in source.name.lower() for word in asked)
                    weight = 2.0 * (1 + named) if source.kind in _RECORDS else 1.0
                    for index in places:
                        if spans[index] not in seen:
                            gain = near * weight / ((1 + rank) * len(telling))
                            gains[spans[index]] = gains.get(spans[index], 0.0) + gain
        best = sorted(gains, key=lambda span: (-gains[span], span))[:k]
        return [Item(self.text, *span) for span in best if gains[span] >= _FAR_BEHIND * gains[best[0]]]

    def _told(self, places: Sequence[int], words: Collection[str]) -> Sequence[int]:
        """Of the passages of a document that have a key, by index, one or two with most of the words; none without."""
        held = [len(self._held(words, self._passages[index])) for index in places]
        most = max(held)
        best = [index for index, number in zip(places, held, strict=True) if number == most > 0]
        return best if len(best) <= _FEW else ()

    def _held(self, words: Iterable[str], span: Span) -> set[str]:
        """Those of the words that one in a passage begins with."""
        passage = self.text.lower[slice(*span)]
        return {word for word in words if re.search(rf"(?<![^\W_]){re.escape(word)}", passage)}

    @cached_property
    def _passages(self) -> list[Span]:
        return self._ask()

    def _occurs(self, word: str) -> bool:
        spellings = (beginning(word), *(re.sub(r"[-_./@:]", mark, word.lower()) for mark in ("", " ", "-", "_")))
        return any(spelling in self.text.lower for spelling in spellings)

    def _located(self, stem: str, starts: list[int], spans: list[Span]) -> dict[int, int]:
        """How often a stem begins a word, by passage."""
        text = self.text.lower
        if text.count(stem) > _ENUMERABLE:
            return {}
        places: dict[int, int] = {}
        at = text.find(stem)
        while at >= 0:
            if at == 0 or not text[at - 1].isalnum():
                index = bisect.bisect_right(starts, at) - 1
                if index >= 0 and at < spans[index][1]:
                    places[index] = places.get(index, 0) + 1
            at = text.find(stem, at + len(stem))
        return places
