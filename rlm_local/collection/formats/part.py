"""What a format gives of a file, in the order in which it stands there: documents, their text, their records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Cell = str | int | float | bool | None

MOST_ROWS = 5_000
"""Rows that a format gives at a time, so that memory stays bounded."""


@dataclass(frozen=True)
class Document:
    """Begins a document; what follows belongs to it.

    Attributes:
        name: empty for the file itself, else its name inside the file: "message 12", "attachment report.pdf".
        fields: its headers, front matter and "Label: value" lines: columns of the table of documents.
        parent: which document of this file it is inside of, counted from 0 in the order they are given.
        place: where in the file it stands, as a person would say it.
    """

    name: str = ""
    title: str = ""
    kind: str = "text"
    fields: Mapping[str, Cell] = field(default_factory=dict[str, Cell])
    parent: int | None = None
    place: str = ""


@dataclass(frozen=True)
class Text:
    """A stretch of the document's text, as a person would read it; stretches are joined as they are.

    Attributes:
        heading: what it stands under, outermost first: "2 Fees > 2.1 Monthly".
        place: "page 3", "slide 2", "sheet Sales".
    """

    text: str
    heading: str = ""
    place: str = ""


@dataclass(frozen=True)
class Rows:
    """Some rows of a set of records. Several with the same table and columns continue one another.

    Attributes:
        table: a name from the form ("messages", a sheet's or a caption's); empty: named after the file.
        columns: the labels as written: they may repeat, be empty, be anything.
        rows: a cell for each column.
        spans: from which to which character of the document's text each row stands.
        places: where each row stands, as a person would say it: "Sales!A5:F5".
        kind: "rows", "lines" (of a log), "messages", "functions", "classes", "paragraphs".
        parent: the table and column whose values the column `<table>_id` here refers to, where the form knows it.
    """

    table: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    spans: Sequence[tuple[int, int]] | None = None
    places: Sequence[str] | None = None
    kind: str = "rows"
    parent: tuple[str, str] | None = None


@dataclass(frozen=True)
class Note:
    """Something that is not as the form promises: said, and no reason to stop."""

    problem: str
    place: str = ""


Part = Document | Text | Rows | Note
