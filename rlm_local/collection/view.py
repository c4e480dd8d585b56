"""Views: a collection, or some of its documents, as a node of the engine sees it.

Places are characters of one virtual text: all documents one after another. It is not held in memory.
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
"""Characters; the tokens of longer texts are estimated from samples."""

_SAMPLES, _SAMPLE = 20, 2_000


@dataclass(frozen=True)
class Shape:
    """What can be counted or judged: the rows of the largest table, their characters, and the columns of all tables."""

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
    """What a node looks at: a whole collection, the documents with some ids, or stretches of these."""

    collection: Collection
    only: frozenset[int] | None = None
    stretches: tuple[tuple[int, int], ...] = ()
    """Spans of the text, each in one document, to which the view is cut; empty if it is not."""

    @classmethod
    def of_stretches(cls, collection: Collection, spans: Sequence[tuple[int, int]]) -> "View":
        """This view, cut to these spans."""
        return cls(collection, frozenset(collection.documents.at(start).id for start, _ in spans), tuple(spans))

    @property
    def context(self) -> Context:
        return Context(self.collection)

    @cached_property
    def documents(self) -> Sequence[DocumentInfo]:
        """The documents; if the view is cut, stretches of them."""
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
        """The shape of the tables, if the view is a whole collection; a part has only documents. If there is no table,
        documents that have fields are one."""
        tables = self.collection.tables if self.only is None else ()
        shown = [(table, len(table.columns)) for table in tables if table.of_records]
        shown = shown or [(table, fields) for table in tables if (fields := _said(table))]
        if not shown:
            return Shape(0, 0, 0)
        return Shape(max(table.rows for table, _ in shown), self.characters, sum(fields for _, fields in shown))

    def tokens(self, count: Callable[[str], int]) -> int:
        """The tokens of all documents: counted if they are short, else estimated from evenly spread samples."""
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
        """A span as a place in a document, cut to the document in which it begins."""
        name, begin, stop = self.collection.span(start, end)
        return Span(name, begin, stop)

    def place(self, at: int) -> str:
        """The page, sheet or slide of a character, and the heading above it; empty if there are none."""
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
        """The best passages for the words, best first."""
        return self.collection.search(words, k, documents=self.only)

    def document(self, number: int) -> DocumentInfo | None:
        """The document with an id."""
        try:
            return self.collection.documents.at(self.collection.documents.start_of(number))
        except KeyError:
            return None

    def named(self, name: str) -> DocumentInfo | None:
        """The document with a name, if it is in the view."""
        for (number,) in self.collection.rows("SELECT id FROM document WHERE name = ?", (name,)):
            if self.only is None or number in self.only:
                return self.document(number)
        return None

    # ---- what a program may name

    def values(self, table: str, column: str, text: str) -> list[str]:
        """Values of a column that a text may mean; none if there is no such column."""
        for one in self.collection.tables:
            for other in one.columns:
                if (one.name, other.name) == (table, column):
                    return values_like(self.collection.rows, one, other, text)
        return []

    def mentions(self, question: str) -> list[Mention]:
        """Values of the records that stand in a question."""
        return mentioned(self.collection.rows, self.collection.tables, question)

    def unheard(self, question: str) -> tuple[str, ...]:
        """Codes of a question, such as CVE-2024-3094, that stand nowhere in the collection."""
        return tuple(code for code in codes(question) if not self.collection.holds(code))

    def close(self) -> None:
        self.collection.close()


def _said(documents: Table) -> int:
    """How many columns hold fields that documents have themselves."""
    return sum(column.name not in STANDING and column.given > 0 for column in documents.columns)
