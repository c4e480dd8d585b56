"""What a collection consists of: tables, columns, documents, files, passages."""

from collections.abc import Sequence
from dataclasses import dataclass

Value = str | int | float | None


@dataclass(frozen=True)
class Column:
    """A column of a table. `least`, `greatest` and the values of `common` are as stored.

    In a column of the type "list", `unit` is what separates the items, and `distinct` and `common` are about items.
    `about` is what a data dictionary says about the column.
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

    The table of the documents and their fields has the kind "documents"; a table that describes the columns of other
    tables has the kind "dictionary".
    """

    name: str
    kind: str
    rows: int
    columns: tuple[Column, ...]

    @property
    def of_records(self) -> bool:
        """Whether its rows are records, and not documents or descriptions of columns."""
        return self.kind not in ("documents", "dictionary")


@dataclass(frozen=True)
class Reference:
    """A column whose values stand in another column; `share` is the share of different values that do."""

    table: str
    column: str
    to_table: str
    to_column: str
    share: float


@dataclass(frozen=True)
class DocumentInfo:
    """A document; `start` and `end` are positions in the whole collection's text."""

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
    """A file, whether it was read, failed, was skipped or is a duplicate, and why."""

    path: str
    name: str
    size: int
    format: str
    status: str
    reason: str


@dataclass(frozen=True)
class Remark:
    """A problem in a document or file."""

    document: str
    problem: str
    place: str


@dataclass(frozen=True)
class Passage:
    """A passage that was found. `start` and `end` are positions in the whole collection's text; a low rank is good."""

    id: int
    document: str
    title: str
    heading: str
    place: str
    start: int
    end: int
    text: str
    rank: float
