"""The texts that a query says are to be read through: names of documents, or places of rows."""

import sqlglot
from sqlglot import exp

_PLACE = ("_document", "_start", "_end")


def texts_of(sql: str) -> str:
    """A query for all texts that a checked query selects from: those of its first table, under its conditions. Empty if
    it selects from no table."""
    tree = sqlglot.parse_one(sql, dialect="sqlite")
    source = tree.args.get("from_") if isinstance(tree, exp.Select) else None
    table = source.this if source is not None else None
    if not isinstance(table, exp.Table) or tree.find(exp.CTE):
        return ""
    wanted = ("document",) if table.name == "documents" else _PLACE
    for part in ("group", "having", "order", "limit", "offset", "distinct"):
        tree.set(part, None)
    tree.set("expressions", [exp.column(name, table=table.alias_or_name) for name in wanted])
    return tree.sql(dialect="sqlite")
