"""The card: what a collection has, as a model is shown it: tables, columns, values, references, documents.

The same text for every question over a collection, so that it is evaluated once. Names and values come from documents:
they are cut and kept on their line, so none can imitate a line of the card.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rlm_local.collection import Column, Reference, Table

_VALUES = 6
"""Of a column with few values, all are shown up to twice as many; else the commonest."""

_SHOWN = 40
"""Characters of a value that is one of many; of a category it is twice as much."""

_TYPES = {"number": "REAL", "date": "DATE", "time": "DATETIME", "flag": "BOOLEAN"}
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f]+")


_DOCUMENTS = ("document", "title", "folder")
"""What is shown of documents besides what they say of themselves."""

_KNOWN = frozenset((*_DOCUMENTS, "name", "kind", "characters"))


def card(tables: Sequence[Table], references: Sequence[Reference] = ()) -> str:
    """The tables as CREATE statements, each column with what its values are like."""
    return "\n".join(_table(table, references) for table in tables if _tells(table))


def _tells(table: Table) -> bool:
    """Whether there is anything to ask of a table: one document that says nothing of itself is none."""
    return table.kind != "documents" or table.rows > 1 or any(column.name not in _KNOWN for column in table.columns)


def _columns(table: Table) -> Iterator[Column]:
    """The columns that are shown: of documents, no more than what tells them apart and what they say of themselves."""
    for column in table.columns:
        if (
            table.kind != "documents"
            or column.name not in _KNOWN
            or (column.name in _DOCUMENTS and (column.name == "document" or column.distinct > 1))
        ):
            yield column


def _table(table: Table, references: Sequence[Reference]) -> str:
    lines = [f"CREATE TABLE {table.name} ( -- {table.rows} rows"]
    own = {reference.column: reference for reference in references if reference.table == table.name}
    for column in _columns(table):
        refers = own.get(column.name)
        to = f", REFERENCES {refers.to_table}({refers.to_column})" if refers else ""
        lines.append(f"  {column.name} {_TYPES.get(column.type, 'TEXT')}, -- {_about(column, table)}{to}")
    if table.kind == "documents":
        lines.append("  text TEXT -- the whole text")
    return "\n".join([*lines, ");"])


def _about(column: Column, table: Table) -> str:
    """What the values of a column are like: all of a few, the span of numbers and dates, else examples."""
    label = _plain(column.label)
    said = f"{label}: " if label.lower().replace(" ", "_") != column.name else ""
    if not column.given:
        return f"{said}empty"
    if column.type in ("number", "date", "time"):
        unit = f" {_plain(column.unit)}" if column.unit else ""
        return f"{said}{_value(column.least)} to {_value(column.greatest)}{unit}"
    values = [value for value, _ in column.common]
    if column.distinct <= 2 * _VALUES:
        return f"{said}{_listed(values[: 2 * _VALUES], 2 * _SHOWN)}"
    if column.type == "category":
        return f"{said}{_listed(values[:_VALUES], 2 * _SHOWN)}, ..."
    different = "each different, " if column.distinct == column.given == table.rows else ""
    return f"{said}{different}like {_listed(values[:2])}"


def _listed(values: Iterable[Any], longest: int = _SHOWN) -> str:
    return ", ".join(f"'{_plain(value, longest)}'" if isinstance(value, str) else _value(value) for value in values)


def _value(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else _plain(value)


def _plain(value: Any, longest: int = _SHOWN) -> str:
    text = _BREAKS.sub(" ", str(value)).strip()
    return text if len(text) <= longest else f"{text[:longest]}..."
