"""Columns of lists in groups: "drama, comedy" belongs to both groups, and is not a group of its own."""

from sqlglot import exp

from rlm_local.engine.authors.names import Names

_OWN = frozenset("key value type atom id parent fullkey path json root".split())
"""The columns of SQLite's json_each."""


def spread(tree: exp.Expr, names: Names) -> list[str]:
    """Make a query, in place, group columns of lists by their items; returns what was done, for the log."""
    notes: list[str] = []
    for select in list(tree.find_all(exp.Select)):
        for column in _grouped(select):
            owner = names.owner(column)
            if owner is not None and owner[1].type == "list" and not _clashes(select):
                _spread(select, column, owner[1].unit)
                notes.append(f"each of {column.name} alone")
    return notes


def _grouped(select: exp.Select) -> list[exp.Column]:
    """The columns of GROUP BY and DISTINCT."""
    group = select.args.get("group")
    keys: list[exp.Expr] = list(group.expressions) if group is not None else []
    if select.args.get("distinct") is not None and len(select.expressions) == 1:
        keys.append(select.expressions[0].unalias())
    keys += [
        each for distinct in select.find_all(exp.Distinct) if _is_in(distinct, select) for each in distinct.expressions
    ]
    found = {key.sql(): key for key in keys if isinstance(key, exp.Column)}
    return list(found.values())


def _is_in(node: exp.Expr, select: exp.Select) -> bool:
    """Whether a node belongs to this query, not to one inside it."""
    return node.find_ancestor(exp.Select) is select


def _clashes(select: exp.Select) -> bool:
    """Whether a column without its table's name could be taken for one of json_each."""
    return any(not column.table and column.name in _OWN for column in select.find_all(exp.Column))


def _spread(select: exp.Select, column: exp.Column, separator: str) -> None:
    """Join the items of a column, as a JSON array, and use them in its place.

    Quotation marks are dropped and backslashes become slashes, because both have a meaning in JSON.
    """
    each = f"each_{column.name}"
    whole = column.sql(dialect="sqlite")
    quoted = separator.replace("'", "''")
    plain = f"""replace(replace({whole}, '\\', '/'), '"', '')"""
    array = f"""'["' || replace({plain}, '{quoted}', '","') || '"]'"""
    value = exp.column("value", table=each)
    same = [
        node
        for part in ("expressions", "group", "order", "having")
        for top in _parts(select, part)
        for node in top.find_all(exp.Column)
        if node.sql(dialect="sqlite") == whole and _is_in(node, select)
    ]
    for node in same:
        node.replace(value.copy())
    source = exp.func("json_each", exp.maybe_parse(array, dialect="sqlite"))
    select.join(
        exp.Table(this=source, alias=exp.TableAlias(this=exp.to_identifier(each))), join_type="cross", copy=False
    )


def _parts(select: exp.Select, name: str) -> list[exp.Expr]:
    part: list[exp.Expr] | exp.Expr | None = select.args.get(name)
    return part if isinstance(part, list) else [part] if part is not None else []
