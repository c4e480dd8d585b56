"""A collection, or some of its documents, as a node of the engine looks at it.

Places are characters of one virtual text: all documents one after another. Nothing of it is held in memory.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rlm_local.collection.collection import Collection
from rlm_local.collection.fields import STANDING
from rlm_local.collection.info import DocumentInfo, Passage, Remark, Span, Table
from rlm_local.collection.mentions import Mention, mentioned
from rlm_local.collection.scan import Skipped
from rlm_local.collection.values import codes, values_like

_COUNTED = 200_000
"""Characters: longer texts are counted by samples."""

_SAMPLES, _SAMPLE = 20, 2_000


@dataclass(frozen=True)
class Shape:
    """What there is to count or to judge: rows of the largest table, their characters, and columns of all tables."""

    items: int
    characters: int
    fields: int


class Context:
    """The virtual text: its length, and slices of it."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def __len__(self) -> int:
        return self._collection.characters

    def __getitem__(self, part: slice) -> str:
        start, end, _ = part.indices(len(self))
        return self._collection.text(start, max(start, end))


@dataclass(frozen=True)
class View:
    """What a node is given to look at: all of a collection, or the documents of these ids, or stretches of these."""

    collection: Collection
    only: frozenset[int] | None = None
    stretches: tuple[tuple[int, int], ...] = ()
    """Spans of the text, each in one document, that the view is cut to; none where it is not cut."""

    @classmethod
    def of_stretches(cls, collection: Collection, spans: Sequence[tuple[int, int]]) -> "View":
        """What is cut to these spans."""
        return cls(collection, frozenset(collection.documents.at(start).id for start, _ in spans), tuple(spans))

    @property
    def context(self) -> Context:
        return Context(self.collection)

    @cached_property
    def documents(self) -> Sequence[DocumentInfo]:
        """The documents; of a view that is cut, the stretches of them."""
        if self.stretches:
            at = self.collection.documents.at
            return tuple(replace(at(start), start=start, end=end) for start, end in self.stretches)
        if self.only is None:
            return self.collection.documents
        return tuple(document for document in self.collection.documents if document.id in self.only)

    @property
    def sources(self) -> tuple[str, ...]:
        return self.collection.sources

    @property
    def skipped(self) -> Sequence[Skipped]:
        return self.collection.skipped

    @property
    def notes(self) -> Sequence[Remark]:
        return self.collection.notes

    @cached_property
    def sha256(self) -> str:
        if self.only is None:
            return self.collection.sha256
        parts = self.stretches or sorted(self.only)
        return hashlib.sha256(f"{self.collection.sha256} {parts}".encode()).hexdigest()

    @property
    def characters(self) -> int:
        return sum(document.end - document.start for document in self.documents)

    @cached_property
    def shape(self) -> Shape:
        """Of the tables, where the view is the whole; a part has documents only. Documents that say something of
        themselves are one where there is no other."""
        tables = self.collection.tables if self.only is None else ()
        shown = [(table, len(table.columns)) for table in tables if table.of_records]
        shown = shown or [(table, fields) for table in tables if (fields := _said(table))]
        if not shown:
            return Shape(0, 0, 0)
        return Shape(max(table.rows for table, _ in shown), self.characters, sum(fields for _, fields in shown))

    def tokens(self, count: Callable[[str], int]) -> int:
        """Tokens of all documents: counted if they are short, else estimated from samples spread evenly over them."""
        size = self.characters
        if size <= _COUNTED:
            return sum(count(self.text(document.start, document.end)) for document in self.documents)
        documents, begins = self.documents, list[int]()
        place = 0
        for document in documents:
            begins.append(place)
            place += document.end - document.start
        sampled = 0
        for at in range(0, size - _SAMPLE, max(1, (size - _SAMPLE) // (_SAMPLES - 1))):
            number = bisect_right(begins, at) - 1
            start = documents[number].start + at - begins[number]
            sampled += count(self.text(start, start + _SAMPLE))
        return round(sampled * size / (_SAMPLE * _SAMPLES))

    def text(self, start: int, end: int) -> str:
        return self.collection.text(start, end)

    def span(self, start: int, end: int) -> Span:
        """The place in a document, cut to the document that it begins in."""
        name, begin, stop = self.collection.span(start, end)
        return Span(name, begin, stop)

    def place(self, at: int) -> str:
        """The page, sheet or slide of a character, and the heading that it stands under; empty where there are none."""
        document = self.collection.documents.at(at)
        rows = self.collection.rows(
            'SELECT place, heading FROM passage WHERE document = ? AND start <= ? AND "end" > ?',
            (document.id, at - document.start, at - document.start),
        )
        return ", ".join(part for row in rows for part in row if part)

    def text_of(self, span: Span) -> str:
        """The characters of a span.

        Raises:
            KeyError: there is no document of that name.
        """
        for document in self.documents:
            if document.name == span.document:
                return self.text(document.start + span.start, min(document.start + span.end, document.end))
        raise KeyError(span.document)

    def search(self, words: str, k: int) -> list[Passage]:
        """The passages that speak of the words, best first."""
        return self.collection.search(words, k, documents=self.only)

    def document(self, number: int) -> DocumentInfo | None:
        """The document of that id."""
        try:
            return self.collection.documents.at(self.collection.documents.start_of(number))
        except KeyError:
            return None

    def named(self, name: str) -> DocumentInfo | None:
        """The document of that name, if it is one of these."""
        for (number,) in self.collection.rows("SELECT id FROM document WHERE name = ?", (name,)):
            if self.only is None or number in self.only:
                return self.document(number)
        return None

    # ---- what a program may name

    def values(self, table: str, column: str, text: str) -> list[str]:
        """Values of a column that a text may mean; none where there is no such column."""
        for one in self.collection.tables:
            for other in one.columns:
                if (one.name, other.name) == (table, column):
                    return values_like(self.collection.rows, one, other, text)
        return []

    def mentions(self, question: str) -> list[Mention]:
        """Values of the records that stand in a question."""
        return mentioned(self.collection.rows, self.collection.tables, question)

    def unheard(self, question: str) -> tuple[str, ...]:
        """Codes of a question, as CVE-2024-3094 is one, that stand nowhere in the collection."""
        return tuple(code for code in codes(question) if not self.collection.holds(code))

    def close(self) -> None:
        self.collection.close()


def _said(documents: Table) -> int:
    """How many columns hold what documents say of themselves."""
    return sum(column.name not in STANDING and column.given > 0 for column in documents.columns)
