"""SQL that SQLite lacks or reads differently: parts of dates, division, differences of dates.

Each is one rewriting of the tree that is right for every query: integers divide as people expect, the part of a date is
a number wherever it is compared with one, and a day is the whole day.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects import SQLite

from rlm_local.collection import Column, Table
from rlm_local.engine.semantic.selects import conjuncts


class Calls(SQLite):
    """SQLite's dialect, except that `extract(text, 'it')` is a plain call, not a part of a date."""

    class Parser(SQLite.Parser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {
            name: build for name, build in SQLite.Parser.FUNCTIONS.items() if name != "EXTRACT"
        }
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: build for name, build in SQLite.Parser.FUNCTION_PARSERS.items() if name != "EXTRACT"
        }


Owner = Callable[[exp.Expr], tuple[Table, Column] | None]
"""Gives the table and column that a node of a query refers to, or None."""

_PARTS = {exp.Year: "%Y", exp.Month: "%m", exp.Day: "%d"}
_EXTRACTED = {"YEAR": "%Y", "MONTH": "%m", "DAY": "%d", "HOUR": "%H", "MINUTE": "%M"}
_UNTIL = (
    (re.compile(r"\d{4}-\d\d-\d\d"), " 23:59:59.999"),
    (re.compile(r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d"), ":59.999"),
    (re.compile(r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d"), ".999"),
)
"""Days, minutes and seconds, and what completes them to their last moment if a column has finer times."""

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d.*)")


def translate(tree: exp.Expr, owner: Owner) -> None:
    """Rewrite a query, in place, into one that means the same to SQLite."""
    for node in list(tree.walk()):
        if isinstance(node, exp.Year | exp.Month | exp.Day):
            node.replace(_part(node.this, _PARTS[type(node)]))
        elif isinstance(node, exp.Extract) and node.name.upper() in _EXTRACTED:
            node.replace(_part(node.expression, _EXTRACTED[node.name.upper()]))
        elif isinstance(node, exp.Div):
            node.set("this", exp.Mul(this=exp.Literal.number("1.0"), expression=exp.paren(node.this)))
        elif isinstance(node, exp.Sub) and _is_date(owner(node.this)) and _is_date(owner(node.expression)):
            node.set("this", exp.func("JULIANDAY", node.this))
            node.set("expression", exp.func("JULIANDAY", node.expression))
        elif isinstance(node, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
            _numbers_of_dates(node)
    for select in tree.find_all(exp.Select):
        _group(select)
    for node, literal in list(_moments(tree)):
        found = owner(node)
        if found is not None:
            _in_form(node, literal, found[1])


def _group(select: exp.Select) -> None:
    """`SELECT a ... ORDER BY COUNT(*)` without GROUP BY means GROUP BY a."""
    order = select.args.get("order")
    plain = bool(select.expressions) and all(isinstance(each, exp.Column) for each in select.expressions)
    if plain and select.args.get("group") is None and order is not None and order.find(exp.AggFunc):
        select.group_by(*(each.copy() for each in select.expressions), copy=False)


def _part(date: exp.Expr, form: str) -> exp.Expr:
    return exp.cast(exp.Anonymous(this="STRFTIME", expressions=[exp.Literal.string(form), date.copy()]), "INTEGER")


def _is_date(found: tuple[Table, Column] | None) -> bool:
    return found is not None and found[1].type in ("date", "time")


def _numbers_of_dates(node: exp.Binary) -> None:
    """`strftime('%Y', d) = 2023` compares a text with a number, which are never equal: make both numbers."""
    for one, other in ((node.this, node.expression), (node.expression, node.this)):
        if isinstance(one, exp.TimeToStr) and isinstance(other, exp.Literal) and other.name.isdecimal():
            one.replace(exp.cast(one.copy(), "INTEGER"))
            other.replace(exp.Literal.number(int(other.name)))
            return


def _moments(tree: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Literal]]:
    """Columns, each with a date or time that it is compared with."""
    for node in tree.find_all(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE):
        for one, other in ((node.this, node.expression), (node.expression, node.this)):
            if isinstance(one, exp.Column) and isinstance(other, exp.Literal) and other.is_string:
                yield one, other
    for node in tree.find_all(exp.Between):
        for bound in (node.args["low"], node.args["high"]):
            if isinstance(bound, exp.Literal) and bound.is_string:
                yield node.this, bound


def _in_form(own: exp.Expr, literal: exp.Literal, column: Column) -> None:
    """Puts a date or time into the form that its column has: without the day if the column has only times of day, and
    up to the end of the day, minute or second if the column has finer times."""
    node, text = literal.parent, literal.name
    moment = _MOMENT.fullmatch(text)
    if moment and column.type == "time" and ":" in str(column.least)[:3]:
        text = moment[2]
    elif moment:
        text = moment[1] if column.type == "date" else f"{moment[1]} {moment[2]}"
    finer = column.type == "time" and len(text) < len(str(column.greatest))
    rest = next((rest for unit, rest in _UNTIL if unit.fullmatch(text)), "") if finer else ""
    if rest and isinstance(node, exp.EQ):
        node.replace(exp.Like(this=own.copy(), expression=exp.Literal.string(f"{text}%")))
    elif isinstance(node, exp.LTE | exp.GT) or (isinstance(node, exp.Between) and literal.arg_key == "high"):
        literal.replace(exp.Literal.string(text + rest))
    else:
        literal.replace(exp.Literal.string(text))


def conditions(select: exp.Select) -> list[exp.Expr]:
    """The conditions of a SELECT that all have to hold, in order."""
    where = select.args.get("where")
    return list(conjuncts(where.this)) if where is not None else []
