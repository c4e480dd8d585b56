"""What a collection tells of itself: its tables and columns, documents, files, passages."""

from collections.abc import Sequence
from dataclasses import dataclass

Value = str | int | float | None


@dataclass(frozen=True)
class Column:
    """A column of a table. `least`, `greatest` and the values of `common` are as stored.

    Of a column of the type "list", `unit` is what separates its items, and `distinct` and `common` are of these.
    `about` is what a data dictionary says of it.
    """

    name: str
    label: str
    type: str
    unit: str
    given: int
    distinct: int
    least: Value
    greatest: Value
    common: Sequence[tuple[Value, int]]
    about: str = ""


@dataclass(frozen=True)
class Table:
    """A table of records.

    The documents with their fields are one, whose kind is "documents"; that of a table which says what the columns of
    others mean is "dictionary".
    """

    name: str
    kind: str
    rows: int
    columns: tuple[Column, ...]

    @property
    def of_records(self) -> bool:
        """Whether its rows are what is asked of, and not documents or what is said of columns."""
        return self.kind not in ("documents", "dictionary")


@dataclass(frozen=True)
class Reference:
    """A column whose values stand in another; `share` of the different ones do."""

    table: str
    column: str
    to_table: str
    to_column: str
    share: float


@dataclass(frozen=True)
class DocumentInfo:
    """A document; `start` and `end` are characters of the whole collection's text."""

    id: int
    name: str
    title: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` (exclusive) of a document's text."""

    document: str
    start: int
    end: int


@dataclass(frozen=True)
class FileInfo:
    """A file, and what became of it: read, failed, skipped, or a duplicate; and why."""

    path: str
    name: str
    size: int
    format: str
    status: str
    reason: str


@dataclass(frozen=True)
class Remark:
    """Something that is not as it should be, in a document or file."""

    document: str
    problem: str
    place: str


@dataclass(frozen=True)
class Passage:
    """A passage that was found; `start` and `end` are characters of the whole collection's text, a low rank is good."""

    id: int
    document: str
    title: str
    heading: str
    place: str
    start: int
    end: int
    text: str
    rank: float
