"""The card: what a collection has, as a model is shown it: tables, columns, values, references, documents.

The same text for every question over a collection, so that it is evaluated once. Names and values come from documents:
they are cut and kept on their line, so none can imitate a line of the card.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rlm_local.collection import Column, Reference, Table
from rlm_local.collection.identifiers import plain

_FEW = 12
"""Of a column with so few different values all are shown; of others the commonest, half as many."""

_SHOWN = 40
"""Characters of a value that is one of many; of a category or an event it is twice as much."""

_REPEATED = 5
"""Rows to a different value: texts that come back so often (a log's events) are shown as categories are."""

_NUMBER = 3
"""Digits of a number that is taken for an amount, not for an id, in a question."""

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


def columns(table: Table) -> Iterator[Column]:
    """The columns that are shown: those that hold anything; of documents, what distinguishes and describes them."""
    for column in table.columns:
        if column.given and (
            table.kind != "documents"
            or column.name not in _KNOWN
            or (column.name in _DOCUMENTS and (column.name == "document" or column.distinct > 1))
        ):
            yield column


def hints(tables: Sequence[Table], mentions: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """Values that stand in a question, as conditions: those that the card does not show to be a column's own.

    A word that names a table or column is no value, and few digits are a number: hints that mislead cost more than
    those that are missing.
    """
    names = {name for table in tables for name in (table.name, *(column.name for column in table.columns))}
    partly = {(table.name, column.name) for table in tables for column in columns(table) if column.distinct > _FEW}
    return tuple(
        f"{table}.{column} = {_literal(value)}"
        for table, column, value in mentions
        if (table, column) in partly and plain(value) not in names and not (value.isdigit() and len(value) <= _NUMBER)
    )


def _literal(value: str) -> str:
    doubled = _plain(value, len(value)).replace("'", "''")
    return f"'{doubled}'"


def _table(table: Table, references: Sequence[Reference]) -> str:
    lines = [f"CREATE TABLE {table.name} ( -- {table.rows} rows"]
    own = {reference.column: reference for reference in references if reference.table == table.name}
    for column in columns(table):
        refers = own.get(column.name)
        to = f", REFERENCES {refers.to_table}({refers.to_column})" if refers else ""
        lines.append(f"  {column.name} {_type(column)}, -- {_about(column, table)}{to}")
    if table.kind == "documents" and table.rows > 1:
        lines.append("  text TEXT -- the whole text")
    return "\n".join([*lines, ");"])


def _type(column: Column) -> str:
    clock = column.type == "time" and ":" in str(column.least)[:3]
    return "TIME" if clock else _TYPES.get(column.type, "TEXT")


def _about(column: Column, table: Table) -> str:
    """What the values of a column are like: all of a few, the span of numbers and dates, else examples."""
    label = _plain(column.label)
    said = f"{label}: " if label.lower().replace(" ", "_") != column.name else ""
    values = [value for value, _ in column.common]
    if column.distinct == 1:
        return f"{said}always {_listed(values[:1], 2 * _SHOWN)}"
    if column.type in ("number", "date", "time"):
        unit = f" {_plain(column.unit)}" if column.unit else ""
        return f"{said}{_value(column.least)} to {_value(column.greatest)}{unit}"
    if column.distinct <= _FEW:
        return f"{said}{_listed(values[:_FEW], 2 * _SHOWN)}"
    if column.type == "text" and column.distinct * _REPEATED <= column.given:
        return f"{said}{column.distinct} different: {_listed(values[:_FEW], 2 * _SHOWN)}, ..."
    if column.type == "category":
        return f"{said}{column.distinct} different: {_listed(values[: _FEW // 2], 2 * _SHOWN)}, ..."
    different = "each different, " if column.distinct == column.given == table.rows else ""
    return f"{said}{different}like {_listed(values[:2])}"


def _listed(values: Iterable[Any], longest: int = _SHOWN) -> str:
    return ", ".join(_quoted(value, longest) if isinstance(value, str) else _value(value) for value in values)


def _quoted(value: str, longest: int) -> str:
    """A value as SQL writes it; where it is cut, the dots that say so are no part of it."""
    whole, cut = _plain(value, len(value)), _plain(value, longest)
    return f"'{cut}'" if cut == whole else f"'{cut[:longest]}'..."


def _value(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else _plain(value)


def _plain(value: Any, longest: int = _SHOWN) -> str:
    text = _BREAKS.sub(" ", str(value)).strip()
    return text if len(text) <= longest else f"{text[:longest]}..."
