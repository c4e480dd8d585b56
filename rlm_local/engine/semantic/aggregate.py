"""Queries whose result is one number over many rows, which a sample of the rows can estimate."""

from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from rlm_local.engine.semantic.calls import AGGREGATES, SemanticCall, call_of, calls_in, sql_of
from rlm_local.engine.semantic.selects import bare, conditions, of_join, within


@dataclass(frozen=True)
class Aggregate:
    """A query whose result is one number over many rows, which a sample of the rows can estimate.

    Args:
        kind: whether the number is the sum or the mean of `y` over all rows; NULL counts for nothing.
        rows: a query with a row for each row of the population: `y`, an upper bound of it as a weight (NULL if none is
            known), and the text of each call. It has the same rows before and after the calls are answered.
        calls: the calls, in the order of their columns.
        result: the query, with `:estimate` in place of its number and `:rows` in place of the number of rows.
    """

    kind: Literal["total", "mean"]
    rows: str
    calls: tuple[SemanticCall, ...]
    result: str


def aggregate_of(tree: exp.Expr) -> Aggregate | None:
    """The query as an aggregate; None if a sample cannot estimate its result."""
    parts = ("group", "having", "distinct", "limit", "offset", "order", "windows")
    if any(tree.args.get(part) for part in parts) or len(tree.expressions) != 1:
        return None
    plain, semantic = conditions(tree)
    if any(map(of_join, semantic)):
        return None
    (column,) = tree.expressions
    found = [node for node in column.find_all(*AGGREGATES.values()) if not _counts_rows(node) or semantic]
    if len(found) != 1 or (semantic and calls_in(column)):
        return None
    number = found[0]
    y, weight, kind = _numbers(number, exp.and_(*(each.copy() for each in semantic)) if semantic else None)
    if y is None:
        return None
    outside = [each for each in column.find_all(exp.Column) if each.find_ancestor(*AGGREGATES.values()) is None]
    if outside or column.find(exp.Query, exp.Window):
        return None
    nodes = [node for condition in semantic for node in calls_in(condition)] or calls_in(column)
    rows = bare(tree, [y, weight or exp.null(), *(node.expressions[0] for node in nodes)], plain)
    result = column.copy()
    for node in list(result.find_all(*AGGREGATES.values())):
        name = "estimate" if node.sql() == number.sql() else "rows"
        new = exp.Placeholder(this=name)
        if node is result:
            result = new
        else:
            node.replace(new)
    if not result.alias:
        result = exp.alias_(result, sql_of(column), quoted=True)
    return Aggregate(kind, sql_of(within(tree, rows)), tuple(map(call_of, nodes)), sql_of(exp.select(result)))


def _counts_rows(node: exp.Expr) -> bool:
    return isinstance(node, exp.Count) and isinstance(node.this, exp.Star | exp.Literal)


def _numbers(
    number: exp.Expr, condition: exp.Expr | None
) -> tuple[exp.Expr | None, exp.Expr | None, Literal["total", "mean"]]:
    """What each row adds to the number, and an upper bound of that, if one is plain to see."""
    inside = number.this
    if isinstance(number, exp.Min | exp.Max) or isinstance(inside, exp.Distinct):
        return None, None, "total"
    if isinstance(number, exp.Count):
        holds = None if _counts_rows(number) else exp.Is(this=inside.copy(), expression=exp.Not(this=exp.null()))
        both = [each for each in (condition, holds) if each is not None]
        return exp.case().when(exp.and_(*both), "1").else_("0"), None, "total"
    if isinstance(number, exp.Avg):
        return (exp.case().when(condition, inside.copy()) if condition else inside.copy()), None, "mean"
    if condition is None:
        return inside.copy(), None, "total"
    return exp.case().when(condition, inside.copy()).else_("0"), inside.copy(), "total"
