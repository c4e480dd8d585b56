"""The card: what the model is shown of a collection: tables, columns, values, references, documents.

It is the same text for every question over a collection, so that it is evaluated once. If it would be too long, it has
only what a question may concern (`cut.py`). Names and values come from documents: they are cut and kept on one line, so
none can imitate a line of the card.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any

from rlm_local.collection import Column, Reference, Table
from rlm_local.collection.identifiers import LONGEST, plain
from rlm_local.collection.mentions import Mention
from rlm_local.collection.values import REPEATED, fold, in_any_form
from rlm_local.collection.words import is_common
from rlm_local.engine.authors.asked import years
from rlm_local.engine.authors.cut import Line, Sheet, cut, names

_FEW = 12
"""If a column has at most this many different values, all are shown; else half as many, the commonest."""

_SHOWN = 40
"""Characters that are shown of a value that is one of many; of a category or an event, twice as many."""

_LINE = 320
"""The most characters that are said about one column."""

_LONGEST = 4_500
"""The most characters of a card that is the same for every question: some 1,500 tokens, evaluated once."""

_NUMBER = 3
"""A number in a question with at most this many digits is taken for an amount, not for an id."""

_GIVEN = 3
"""A column is shown if one of this many rows gives it, because documents are of several kinds."""

_DIGITS = 4
"""Significant digits of the least and greatest number of a column."""

_TYPES = {"number": "REAL", "date": "DATE", "time": "DATETIME", "flag": "BOOLEAN"}
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f]+")

_DOCUMENTS = ("document", "title", "folder")
"""Columns that are shown of documents, besides the fields that they have themselves."""

_OF_ROWS = frozenset(("table", "log", "messages"))
"""Kinds of documents that hold nothing but their rows."""

_KNOWN = frozenset((*_DOCUMENTS, "name", "kind", "characters"))


def card(
    tables: Sequence[Table], references: Sequence[Reference] = (), question: str = "", mentions: Iterable[Mention] = ()
) -> str:
    """The tables as CREATE statements; each column has a comment that describes its values.

    Args:
        question, mentions: what is asked, and the values in it; used only if the whole card would be too long.
    """
    told = {table.name for table in tables if _tells(table)}
    references = [reference for reference in references if {reference.table, reference.to_table} <= told]
    sheets = [_sheet(table, references) for table in tables if table.name in told]
    if sum(sheet.size for sheet in sheets) <= _LONGEST:
        return "\n".join(map(str, sheets))
    shown = cut(sheets, _LONGEST, question, {(mention.table, mention.column) for mention in mentions})
    kept = {sheet.name for sheet in shown}
    left = [sheet.name for sheet in sheets if sheet.name not in kept]
    return "\n".join([*map(str, shown), *([f"-- other tables: {names(left)}"] if left else [])])


def _tells(table: Table) -> bool:
    """Whether to show a table. Documents are shown if at least two are more than files of rows; a data dictionary is
    not, because its text stands beside the columns that it describes."""
    if table.kind != "documents":
        return table.kind != "dictionary"
    kinds = [pair for column in table.columns if column.name == "kind" for pair in column.common]
    return table.rows > 1 and (not kinds or sum(times for kind, times in kinds if kind not in _OF_ROWS) > 1)


def columns(table: Table) -> Iterator[Column]:
    """The columns that are shown: those that hold anything; of documents, those that distinguish and describe them."""
    for column in table.columns:
        if column.given and (
            table.kind != "documents"
            or column.name not in _KNOWN
            or (column.name in _DOCUMENTS and (column.name == "document" or column.distinct > 1))
        ):
            yield column


def hints(tables: Sequence[Table], mentions: Iterable[Mention], named: Container[str] = ()) -> tuple[str, ...]:
    """Values that stand in a question, as conditions.

    A misleading hint costs more than a missing one: small models make a condition of each. So there is no hint for a
    word that tells nothing, that names a table in any form, or another table's column, for few digits, which are an
    amount, for a year as an id, or for a value that all rows have. If several tables have a value, the hint is for the
    table that the question says most about.

    Args:
        named: tables that the question names.
    """
    names = {column.name for table in tables for column in table.columns} | {table.name for table in tables}
    shown = {(table.name, column.name): column for table in tables if _tells(table) for column in columns(table)}
    told = [
        mention
        for mention in mentions
        if (column := shown.get((mention.table, mention.column))) is not None
        and column.distinct > 1
        and (mention.within or plain(mention.text) not in names - {mention.table})
        and not _misleads(mention, column, [table.name for table in tables if table.name != mention.table])
    ]
    lists = Counter((each.table, each.text) for each in told if shown[each.table, each.column].type == "list")
    whole = {(each.table, each.text) for each in told if not each.within}
    told = [  # or a program would want the value in both of two columns
        each
        for each in told
        if lists[each.table, each.text] < 2 and not (each.within and (each.table, each.text) in whole)
    ]

    def said(table: str) -> int:
        return len({mention.text for mention in told if mention.table == table}) + (table in named)

    most = {mention.text: max(said(other.table) for other in told if other.text == mention.text) for mention in told}
    return tuple(_condition(mention) for mention in told if said(mention.table) == most[mention.text])


def _misleads(mention: Mention, column: Column, others: Sequence[str]) -> bool:
    """Whether a value of a column is more likely a word of the question than what is meant by it."""
    text = mention.text
    if text.isdigit():
        return len(text) <= _NUMBER or (column.type == "id" and text in years(text))
    tells_nothing = is_common(text.lower()) and (text == "I" or not text.isupper())  # "US" and "A" may be codes
    return tells_nothing or (len(text) > _NUMBER and in_any_form(fold(text), others))


def _condition(mention: Mention) -> str:
    text = _plain(mention.text, len(mention.text)).replace("'", "''")
    said = f"LIKE '%{text}%'" if mention.within else f"= '{text}'"
    return f"{mention.table}.{mention.column} {said}"


def _sheet(table: Table, references: Sequence[Reference]) -> Sheet:
    own = {reference.column: reference for reference in references if reference.table == table.name}
    keys = own.keys() | {reference.to_column for reference in references if reference.to_table == table.name}
    lines: list[Line] = []
    for column in columns(table):
        refers = own.get(column.name)
        to = f", REFERENCES {refers.to_table}({refers.to_column})" if refers else ""
        text = f"  {column.name} {_type(column)}, -- {_about(column, table)[:_LINE]}{to}"
        full = column.given >= table.rows / _GIVEN and column.distinct > 1
        lines.append(Line(column.name, _plain(column.label), text, key=column.name in keys, full=full))
    if table.kind == "documents":
        lines.append(Line("text", "text", "  text TEXT -- the whole text", full=True))
    return Sheet(table.name, f"CREATE TABLE {table.name} ( -- {table.rows} rows", table.rows, tuple(lines))


def _type(column: Column) -> str:
    clock = column.type == "time" and ":" in str(column.least)[:3]
    return "TIME" if clock else _TYPES.get(column.type, "TEXT")


def _about(column: Column, table: Table) -> str:
    """A description of a column's values: all if there are few, the span of numbers and dates, else examples."""
    said = _meant(column)
    values = [value for value, _ in column.common]
    if column.type == "list":
        return f"{said}lists of {_listed(values[:_FEW])}{', ...' if column.distinct > _FEW else ''}"
    if column.distinct == 1:
        only = _listed(values[:1], 2 * _SHOWN)
        return f"{said}always {only}" if column.given == table.rows else f"{said}{only} or NULL"
    if column.type in ("number", "date", "time"):
        unit = f" {_plain(column.unit)}" if column.unit else ""
        return f"{said}{_value(column.least)} to {_value(column.greatest)}{unit}"
    if column.distinct <= _FEW:
        return f"{said}{_listed(values[:_FEW], 2 * _SHOWN)}"
    if column.type == "text" and column.distinct * REPEATED <= column.given:
        return f"{said}{column.distinct} different: {_listed(values[:_FEW], 2 * _SHOWN)}, ..."
    if column.type == "category":
        return f"{said}{column.distinct} different: {_listed(values[: _FEW // 2], 2 * _SHOWN)}, ..."
    different = "each different, " if column.distinct == column.given == table.rows else ""
    return f"{said}{different}like {_listed(values[:2])}"


def _meant(column: Column) -> str:
    """The meaning of a column: what a data dictionary says, else its label if the name says less."""
    label = _plain(column.about or column.label, 2 * _SHOWN)
    same = len(label) <= LONGEST and (label == column.name or (label.isascii() and plain(label) == column.name))
    return "" if same or not label else f"{label}: "


def _listed(values: Iterable[Any], longest: int = _SHOWN) -> str:
    return ", ".join(_quoted(value, longest) if isinstance(value, str) else _value(value) for value in values)


def _quoted(value: str, longest: int) -> str:
    """A value as SQL writes it. If it is cut, dots after the quotes say so."""
    whole, cut = _plain(value, len(value)), _plain(value, longest)
    return f"'{cut}'" if cut == whole else f"'{cut[:longest]}'..."


def _value(value: Any) -> str:
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) and not value.is_integer() else _plain(value)


def _plain(value: Any, longest: int = _SHOWN) -> str:
    text = _BREAKS.sub(" ", str(value)).strip()
    return text if len(text) <= longest else f"{text[:longest]}..."
