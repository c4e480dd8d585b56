"""Finds and checks the semantic calls in a query."""

import logging
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # or it would warn of queries that it does not know

FUNCTIONS = frozenset({"judge", "classify", "extract", "answer"})
AGGREGATES = {"COUNT": exp.Count, "SUM": exp.Sum, "AVG": exp.Avg, "MIN": exp.Min, "MAX": exp.Max}
_CAST: Any = cast("Any", SQLite.Parser).FUNCTION_PARSERS["CAST"]

LONGEST_CONSTANT = 500  # characters of a question or a label
MOST_LABELS = 100


class Unfit(Exception):  # noqa: N818 - an answer to whoever wrote the query
    """The query cannot be prepared; the message says why."""


class Dialect(SQLite):
    """SQLite's dialect, without special functions: `extract` is our own, and `search` may be a table.

    Use it to parse and write queries that may have semantic calls. In SQLite's own dialect, `extract(text, 'it')` would
    become `EXTRACT(TEXT FROM 'it')`.
    """

    class Parser(SQLite.Parser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {name: build.from_arg_list for name, build in AGGREGATES.items()}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CAST": _CAST}


@dataclass(frozen=True)
class SemanticCall:
    """A call. `text` is its first argument, an SQL expression; the constants are the other arguments."""

    function: str
    text: str
    constants: tuple[str, ...]


def calls_in(node: exp.Expr) -> list[exp.Anonymous]:
    return [call for call in node.find_all(exp.Anonymous) if call.name.lower() in FUNCTIONS]


def call_of(node: exp.Anonymous) -> SemanticCall:
    """The call, checked."""
    name = node.name.lower()
    if len(node.expressions) < 2:
        raise Unfit(f"{name}() takes a text and what to ask about it, as in {name}(text, '...')")
    text, *constants = node.expressions
    if calls_in(text) or text.find(exp.Query, *AGGREGATES.values(), exp.Window):
        raise Unfit(f"the text of {name}() may be a column or an expression over columns of the row, no more")
    if not all(isinstance(constant, exp.Literal) for constant in constants):
        raise Unfit(f"after the text, {name}() takes plain literals in quotes, not {sql_of(constants[0])}")
    values = tuple(str(constant.this) for constant in constants)
    if name == "classify" and len(values) == 1:  # all labels in one text
        values = tuple(label.strip() for label in values[0].split(",") if label.strip())
    if name == "classify" and not 2 <= len(values) <= MOST_LABELS:
        raise Unfit(f"classify() takes two labels or more, {MOST_LABELS} at most")
    if name != "classify" and len(values) != 1:
        raise Unfit(f"{name}() takes one text and one question")
    if len(set(values)) < len(values) or not all(value.strip() and len(value) <= LONGEST_CONSTANT for value in values):
        raise Unfit(f"questions and labels are different texts of 1 to {LONGEST_CONSTANT} characters")
    return SemanticCall(name, sql_of(text), values)


def sql_of(node: exp.Expr) -> str:
    return node.sql(dialect=Dialect, normalize_functions=False)
