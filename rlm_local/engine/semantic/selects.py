"""Parts of a SELECT: its conditions, and its rows with other columns."""

from collections.abc import Iterable, Iterator

from sqlglot import exp

from rlm_local.engine.semantic.calls import AGGREGATES, calls_in


def conditions(select: exp.Expr) -> tuple[list[exp.Expr], list[exp.Expr]]:
    """The conditions that all must hold: those without semantic calls, and those with."""
    plain: list[exp.Expr] = []
    semantic: list[exp.Expr] = []
    inner = [join.args.get("on") for join in select.args.get("joins", ()) if not join.side]
    where = select.args.get("where")
    for condition in (*inner, where.this if where else None):
        for each in conjuncts(condition):
            (semantic if calls_in(each) else plain).append(each)
    return plain, semantic


def of_join(condition: exp.Expr) -> bool:
    return isinstance(condition.find_ancestor(exp.Join, exp.Select), exp.Join)


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that this one joins by AND, in order."""
    if isinstance(condition, exp.And):
        yield from conjuncts(condition.left)
        yield from conjuncts(condition.right)
    elif isinstance(condition, exp.Paren):
        yield from conjuncts(condition.this)
    elif condition is not None:
        yield condition


def bare(select: exp.Expr, columns: Iterable[exp.Expr], conditions: Iterable[exp.Expr]) -> exp.Select:
    """A query for these columns, with the joins of the SELECT and these of its conditions."""
    bare = exp.select(*(column.copy() for column in columns))
    if source := select.args.get("from_"):
        bare.set("from_", source.copy())
    joins = [join.copy() for join in select.args.get("joins", ())]
    for join in joins:
        on = [each for each in conjuncts(join.args.get("on")) if not calls_in(each)]
        if join.args.get("on"):
            join.set("on", exp.and_(*(each.copy() for each in on)) if on else exp.true())
    bare.set("joins", joins)
    where = [condition.copy() for condition in conditions if calls_in(condition) or not of_join(condition)]
    return bare.where(*where) if where else bare


def withs(select: exp.Expr) -> Iterator[exp.Expr]:
    """What WITH defines for a SELECT, by it and by those around it, the innermost first."""
    node: exp.Expr | None = select
    while node is not None:
        if with_ := node.args.get("with_"):
            yield with_
        node = node.parent


def within(select: exp.Expr, query: exp.Select) -> exp.Select:
    """The query, with everything that WITH defines at the place of the SELECT."""
    inside = {id(node) for node in _ancestors(select)}
    defined: dict[str, exp.Expr] = {}
    for with_ in withs(select):
        before: list[exp.Expr] = []
        for table in with_.expressions:
            if id(table) in inside:
                break
            before.append(table)
        for table in reversed(before):
            defined.setdefault(table.alias, table)
    if defined:
        query.set("with_", exp.With(expressions=[table.copy() for table in reversed(defined.values())]))
    return query


def _ancestors(node: exp.Expr | None) -> Iterator[exp.Expr]:
    while node is not None:
        yield node
        node = node.parent


def is_grouped(select: exp.Expr) -> bool:
    """Whether rows of the result stand for several rows of the tables."""
    own = (node for column in select.expressions for node in column.find_all(*AGGREGATES.values(), exp.Window))
    known = {"group_concat", "string_agg", "total", "median", "stddev", "variance", "json_group_array"}
    named = (node for column in select.expressions for node in column.find_all(exp.Anonymous))
    return bool(
        any(select.args.get(part) for part in ("group", "having", "distinct"))
        or any(node.find_ancestor(exp.Select) is select for node in own)
        or any(node.name.lower() in known for node in named)
    )
