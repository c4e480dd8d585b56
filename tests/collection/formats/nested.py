"""What a format of nested values gives of one file, with what belongs together put together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rlm_local.collection.formats.part import Cell, Document, Note, Part, Rows, Text
from rlm_local.collection.formats.source import Source


@dataclass
class Parsed:
    """Its fields, its tables by name, where their rows stand, and what was noted, with and without its place."""

    fields: dict[str, Cell] = field(default_factory=dict[str, Cell])
    tables: dict[str, list[dict[str, Cell]]] = field(default_factory=dict[str, list[dict[str, Cell]]])
    stands: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


def parsed_by(read: Callable[[Source], Iterator[Part]], name: str, text: str) -> Parsed:
    found, shown = Parsed(), ""
    for part in read(Source(name, text.encode())):
        if isinstance(part, Document):
            found.fields = dict(part.fields)
        elif isinstance(part, Text):
            shown += part.text
        elif isinstance(part, Note):
            found.problems.append(part.problem)
            found.notes.append(f"{part.problem}: {part.place}")
        elif isinstance(part, Rows):
            rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
            found.tables.setdefault(part.table, []).extend(rows)
            found.stands += [shown[slice(*span)] for span in part.spans or ()]
    return found
