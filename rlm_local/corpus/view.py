"""A part of a corpus as a corpus of its own: what a child node is given to look at."""

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rlm_local.corpus.corpus import Corpus
from rlm_local.corpus.document import Document
from rlm_local.corpus.item_set import ItemSet
from rlm_local.corpus.table import offsets

_RECORDS = frozenset(("rows", "lines", "messages", "functions"))
_TABLES = frozenset(("csv", "tsv"))
_HEADER = 2_000
"""Characters that a table's head may have: its part shows it, so that its columns have names."""

Span = tuple[int, int]


@dataclass(frozen=True)
class View:
    """Spans of a corpus's context, put together under their documents' names.

    Items and their fields are the corpus's own, not read anew: a child sees the types that its parent saw.
    """

    corpus: Corpus
    spans: tuple[Span, ...]
    """Of the whole's context, in order, each within one document."""

    starts: tuple[int, ...]
    """Where each span begins in the part's context."""

    def origin(self, start: int, end: int) -> Span:
        """Where a place of the part lies in the whole, cut to the span that it begins in."""
        number = max(0, bisect_right(self.starts, start) - 1)
        first, last = self.spans[number]
        begin = min(first + max(0, start - self.starts[number]), last)
        return begin, max(begin, min(begin + end - start, last))


def view(whole: Corpus, spans: Sequence[Span]) -> View:
    """The part of a corpus that lies in these spans of its context, widened so that none goes through a record.

    Raises:
        ValueError: there is no text in them.
    """
    spans = [span for span in spans if whole.context[slice(*span)].strip()]
    pieces = [*_by_document(whole, _joined(whole.context, _widened(whole, spans)))]
    if not pieces:
        raise ValueError("there is no text in these parts")
    texts: list[str] = []
    documents: list[Document] = []
    starts: list[int] = []
    place = 0
    for number, (start, end) in pieces:
        name = whole.documents[number].name
        if not documents or documents[-1].name != name:
            header = f"{_break(texts)}=== {name} ===\n"
            texts.append(header)
            place += len(header)
            documents.append(replace(whole.documents[number], start=place, end=place))
        elif gap := _break(texts):
            texts.append(gap)
            place += len(gap)
        starts.append(place)
        texts.append(whole.context[start:end])
        place += end - start
        documents[-1] = replace(documents[-1], end=place)
    context = "".join(texts)
    parts = tuple(span for _, span in pieces)
    shown = tuple(replace(document, context=context) for document in documents)
    sets = (_part(item_set, parts, starts, shown) for item_set in whole.item_sets)
    corpus = Corpus(context, shown, tuple(s for s in sets if len(s)), sources=whole.sources)
    return View(corpus, parts, tuple(starts))


def _break(texts: Sequence[str]) -> str:
    return "" if not texts or texts[-1].endswith("\n") else "\n"


def _widened(whole: Corpus, spans: Sequence[Span]) -> Iterator[Span]:
    """The spans, each out to the ends of the records that it begins and ends in; and the heads of tables."""
    records = [s for s in whole.item_sets if s.kind in _RECORDS]
    for first, last in spans:
        start, end = first, last
        for item_set in records:
            before = bisect_right(item_set.starts, start) - 1
            if before >= 0 and item_set.ends[before] > start:
                start = item_set.starts[before]
            inside = bisect_left(item_set.starts, end) - 1
            if inside >= 0 and item_set.ends[inside] > end:
                end = item_set.ends[inside]
        yield start, end
    for number in {number for number, _ in _by_document(whole, spans)}:
        document = whole.documents[number]
        head = min((_next(item_set, document.start) for item_set in records), default=document.end)
        if document.kind in _TABLES and head - document.start <= _HEADER:
            yield document.start, head


def _next(item_set: ItemSet, at: int) -> int:
    """Where the first item from a place on begins; far away where there is none."""
    index = bisect_left(item_set.starts, at)
    return item_set.starts[index] if index < len(item_set) else sys.maxsize


def _joined(context: str, spans: Iterator[Span]) -> Iterator[Span]:
    """The spans in order; those that meet, or have only white space between them, as one."""
    at: Span | None = None
    for start, end in sorted(spans):
        if at and (start <= at[1] or context[at[1] : start].isspace()):
            at = at[0], max(at[1], end)
            continue
        if at:
            yield at
        at = start, end
    if at:
        yield at


def _by_document(whole: Corpus, spans: Sequence[Span] | Iterator[Span]) -> Iterator[tuple[int, Span]]:
    """The spans cut to the documents that they lie in, with the documents' numbers; the lines between are left out."""
    for start, end in spans:
        number = max(0, bisect_right(whole.documents, start, key=lambda document: document.start) - 1)
        for document in whole.documents[number:]:
            if document.start >= end:
                break
            piece = max(start, document.start), min(end, document.end)
            if whole.context[slice(*piece)].strip():
                yield number, piece
            number += 1


def _part(item_set: ItemSet, spans: Sequence[Span], starts: Sequence[int], documents: Sequence[Document]) -> ItemSet:
    """The items that lie in the spans, at their places in the part."""
    kept: list[int] = []
    begins, ends, where = offsets(), offsets(), offsets()
    for (first, last), place in zip(spans, starts, strict=True):
        number = bisect_right(documents, place, key=lambda document: document.start) - 1
        for index in range(bisect_left(item_set.starts, first), bisect_left(item_set.starts, last)):
            if item_set.ends[index] <= last:
                kept.append(index)
                begins.append(item_set.starts[index] - first + place)
                ends.append(item_set.ends[index] - first + place)
                where.append(number)
    fields = tuple(replace(f, values=[f.values[index] for index in kept]) for f in item_set.fields)
    return replace(item_set, starts=begins, ends=ends, documents=where, fields=fields)
