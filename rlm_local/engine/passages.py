"""The corpus as a sequence of passages: all that documents say belongs to one, and none is too long to read."""

import bisect
from array import array
from collections.abc import Iterator

from rlm_local.corpus import Corpus, Document, ItemSet

LONGEST = 1200
"""Characters of a passage, about 300 tokens: longer prose is cut at line ends, sentences, or between words."""

SHORTEST = 200
"""Prose shorter than this joins the next paragraph, so that a heading stays with what it heads."""

_COARSE = frozenset(("documents",))
_OWN = frozenset(("rows", "lines", "functions", "messages"))
_ONLY_ITEMS = frozenset(("csv", "tsv", "json", "jsonl"))
"""Forms whose text between the items says nothing: headers, brackets."""


class Passages:
    """All passages in order of their place, with the item that each is, where it is one.

    `starts` and `ends` are offsets in the context.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.starts, self.ends = array("Q"), array("Q")
        self._items: list[tuple[ItemSet, int] | None] = []
        by_document: dict[int, list[tuple[int, int, ItemSet, int]]] = {}
        for item_set in corpus.item_sets:
            if item_set.kind in _COARSE:
                continue
            for index, document in enumerate(item_set.documents):
                spot = (item_set.starts[index], item_set.ends[index], item_set, index)
                by_document.setdefault(document, []).append(spot)
        for number, document in enumerate(corpus.documents):
            self._add(document, sorted(by_document.get(number, ()), key=lambda spot: (spot[0], -spot[1])))

    def __len__(self) -> int:
        return len(self.starts)

    def render(self, start: int, end: int) -> str:
        """What a model is shown of a span: the document's name, then a row's fields by name, or the text."""
        name = self._document(start).name
        item = self.item(start, end)
        if item is None or item[0].kind != "rows":
            return f"{name}\n{self.corpus.context[start:end].strip()}"
        item_set, index = item
        stated = ((f.label, f.values[index]) for f in item_set.fields)
        return f"{name}\n" + "; ".join(f"{label}: {_plain(value)}" for label, value in stated if value is not None)

    def wording(self, start: int, end: int) -> str:
        """What a model judges of an item: the field that holds prose where just one does, else the text."""
        item = self.item(start, end)
        if item is not None:
            item_set, index = item
            prose = [field for field in item_set.fields if field.is_prose]
            if len(prose) == 1 and (said := prose[0].values[index]) is not None:
                return str(said)
        return self.corpus.context[start:end].strip()

    def item(self, start: int, end: int) -> tuple[ItemSet, int] | None:
        """The item of exactly this span, if one is."""
        at = bisect.bisect_left(self.starts, start)
        if at < len(self.starts) and self.starts[at] == start and self.ends[at] == end:
            return self._items[at]
        return None

    def _document(self, offset: int) -> Document:
        documents = self.corpus.documents
        return documents[max(0, bisect.bisect_right(documents, offset, key=lambda d: d.start) - 1)]

    def _add(self, document: Document, spots: list[tuple[int, int, ItemSet, int]]) -> None:
        at = document.start
        prose_from = at
        for start, end, item_set, index in spots:
            if start < at or item_set.kind not in _OWN or end - start > LONGEST:
                continue
            if document.kind not in _ONLY_ITEMS:
                self._add_prose(prose_from, start)
            self._append(start, end, (item_set, index))
            at = prose_from = end
        if prose_from == document.start or document.kind not in _ONLY_ITEMS:
            self._add_prose(prose_from, document.end)

    def _add_prose(self, start: int, end: int) -> None:
        for a, b in chunks(self.corpus.context, start, end):
            self._append(a, b, None)

    def _append(self, start: int, end: int, item: tuple[ItemSet, int] | None) -> None:
        self.starts.append(start)
        self.ends.append(end)
        self._items.append(item)


def chunks(
    text: str, start: int, end: int, *, shortest: int = SHORTEST, longest: int = LONGEST
) -> Iterator[tuple[int, int]]:
    """Spans that cover the text: paragraphs together up to `shortest` characters, those above `longest` cut."""
    at = start
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        stop = text.find("\n\n", min(at + shortest, end), end)
        stop = end if stop < 0 else stop
        if stop - at > longest:
            cuts = (text.rfind(mark, at + shortest, at + longest) for mark in ("\n\n", "\n", ". ", " "))
            stop = next((cut + 1 for cut in cuts if cut > 0), at + longest)
        yield at, stop
        at = stop


def _plain(value: object) -> str:
    return (
        f"{value:g}"
        if isinstance(value, float) and abs(value) < 1e6
        else str(int(value))
        if isinstance(value, float) and value.is_integer()
        else str(value)
    )
