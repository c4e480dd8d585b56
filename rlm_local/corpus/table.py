"""What a reader finds in one text: items, and what each of them says under which label, as written."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

ItemKind = Literal["rows", "lines", "messages", "paragraphs", "sections", "functions", "documents"]
Raw = str | float | bool | None


def offsets(values: Iterable[int] = ()) -> "array[int]":
    """Character offsets: 64 bits each."""
    return array("Q", values)


@dataclass
class Table:
    """Items of one form, in the order of the text, with a column per label. Offsets are characters of the text read.

    A column has a cell per item, None where the item does not say. `family` is shared by tables that are read alike and
    hold the same sort of thing, so that those of several documents go together.
    """

    name: str
    kind: ItemKind
    family: str = ""
    starts: "array[int]" = field(default_factory=offsets)
    ends: "array[int]" = field(default_factory=offsets)
    documents: "array[int]" = field(default_factory=offsets)
    columns: dict[str, list[Raw]] = field(default_factory=dict[str, list[Raw]])

    def __len__(self) -> int:
        return len(self.starts)

    def add(self, start: int, end: int, cells: Mapping[str, Raw]) -> None:
        """Append an item. Labels seen for the first time start a column."""
        place = len(self.starts)
        self.starts.append(start)
        self.ends.append(end)
        for label, value in cells.items():
            column = self.columns.setdefault(label, [])
            if len(column) <= place:
                column.extend([None] * (place - len(column)))
                column.append(value)

    def level(self) -> None:
        """Fill columns that end early, so that each has a cell per item."""
        for column in self.columns.values():
            column.extend([None] * (len(self) - len(column)))

    def append(self, other: "Table", document: int, base: int) -> None:
        """Take over the items of a table read from document number `document`, whose text begins at `base`."""
        place = len(self)
        self.level()
        other.level()
        self.starts.extend(base + start for start in other.starts)
        self.ends.extend(base + end for end in other.ends)
        self.documents.extend([document] * len(other))
        for label, cells in other.columns.items():
            column = self.columns.setdefault(label, [])
            column.extend([None] * (place - len(column)))
            column.extend(cells)


@dataclass
class Reading:
    """One text as read: its tables, and (line from 1, problem) for what is not as the form promises."""

    kind: str
    tables: list[Table] = field(default_factory=list[Table])
    problems: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
