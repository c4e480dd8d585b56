"""Queries whose form alone shows that they cannot be what was asked for. The model is told why."""

from collections.abc import Callable

from sqlglot import exp

from rlm_local.engine.authors.dialect import conditions
from rlm_local.engine.authors.errors import BadProgram
from rlm_local.engine.authors.names import Names


def refuse_degenerate(tree: exp.Expr, names: Names) -> None:
    """Refuse queries that count groups of one row each, count what they have fixed, average over what they compare, or
    order groups by a number of single rows.

    Raises:
        BadProgram: the query does so; the message helps to write it again.
    """
    for select in tree.find_all(exp.Select):
        for look in _LOOKS:
            if said := look(select, names):
                raise BadProgram(said)


def _groups_of_one(select: exp.Select, names: Names) -> str:
    """COUNT(*) with GROUP BY the table's own key."""
    group = select.args.get("group")
    keys: list[exp.Expr] = group.expressions if group is not None else []
    scope, _ = names.scope(select)
    if len(keys) != 1 or len(scope) != 1 or select.args.get("joins"):
        return ""
    owner = names.owner(keys[0])
    if owner is None or not any(isinstance(count.this, exp.Star) for count in select.find_all(exp.Count)):
        return ""
    table, column = owner
    if not column.distinct >= table.rows > 1:
        return ""
    return (
        f"each {column.name} stands in one row of {table.name}, so COUNT(*) is always 1: count rows of a table that "
        "has several for each, or what a column holds"
    )


def _fixed(select: exp.Select, names: Names) -> str:
    """COUNT(DISTINCT c) WHERE c = one value."""
    for count in select.find_all(exp.Count):
        columns = count.this.expressions if isinstance(count.this, exp.Distinct) else []
        for condition in conditions(select):
            if isinstance(condition, exp.EQ) and any(_same(condition, column, names) for column in columns):
                return f"with {condition.sql(dialect='sqlite')} there is only one: leave the condition out to count all"
    return ""


def _together(select: exp.Select, names: Names) -> str:
    """AVG over several values of a column together, where a question that names them wants them compared."""
    if select.args.get("group") is not None or not any(each.find(exp.Avg) for each in select.expressions):
        return ""
    for condition in conditions(select):
        column = next((node for node in condition.find_all(exp.Column) if names.owner(node)), None)
        if column is not None and _is_choice(condition, column):
            return (
                f"this is one average over all of {condition.sql(dialect='sqlite')}; to compare them, "
                f"GROUP BY {column.name}"
            )
    return ""


def _any_of_a_group(select: exp.Select, names: Names) -> str:
    """GROUP BY a key, ORDER BY a number of which each group has several."""
    group, order = select.args.get("group"), select.args.get("order")
    if group is None or order is None:
        return ""
    keys = [owner for key in group.expressions if isinstance(key, exp.Column) and (owner := names.owner(key))]
    if len(keys) != 1 or keys[0][1].distinct >= keys[0][0].rows:
        return ""
    for by in order.expressions:
        owner = names.owner(by.this) if isinstance(by.this, exp.Column) else None
        if owner is not None and owner not in keys and owner[1].type == "number":
            name, key = owner[1].name, keys[0][1].name
            return f"each {key} has several {name}: say ORDER BY SUM({name}), MAX({name}), MIN({name}) or AVG({name})"
    return ""


_LOOKS: tuple[Callable[[exp.Select, Names], str], ...] = (_groups_of_one, _fixed, _together, _any_of_a_group)


def _same(condition: exp.EQ, column: exp.Expr, names: Names) -> bool:
    """Whether a condition gives a column one value."""
    sides = (condition.this, condition.expression)
    owner = names.owner(column)
    return owner is not None and any(
        isinstance(other, exp.Literal) and names.owner(one) == owner for one, other in (sides, sides[::-1])
    )


def _is_choice(condition: exp.Expr, column: exp.Column) -> bool:
    """Whether a condition is that a column is one of several texts."""
    if isinstance(condition, exp.In):
        return len(condition.expressions) > 1 and all(isinstance(each, exp.Literal) for each in condition.expressions)
    alternatives = list(condition.flatten()) if isinstance(condition, exp.Or) else []
    return len(alternatives) > 1 and all(
        isinstance(each, exp.EQ) and each.this == column and isinstance(each.expression, exp.Literal)
        for each in alternatives
    )
