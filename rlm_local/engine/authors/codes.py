"""Codes in a result get their names: `EV` becomes `ExpressJet Airlines Inc. (EV)` if a table has the name.

A query that ends in a code answers in the shorthand of the records, but a person asked who or what. So if a column of
the result refers to a key, or is a key that others refer to, its values are preceded by the names in the key's table.
"""

from collections.abc import Iterable, Sequence

from sqlglot import exp

from rlm_local.collection import Column, Reference, Table
from rlm_local.engine.authors.names import Names, column_of

_NAME = 60
"""The most characters that names have on average; longer texts are descriptions."""

_ABBREVIATION = 6
"""A word of at most this many capitals is a code; names may be written in capitals, too, but are longer."""

_NEARLY = 0.95
"""The share of different values that a column of names has at least: some things share a name."""

_LOOKS = 50_000_000
"""The most rows that may be searched for names, which takes a second or two: keys have no index."""


def name_codes(tree: exp.Expr, names: Names) -> exp.Expr | None:
    """The same query with names before its codes; None if it returns no codes, or no table has their names."""
    if not isinstance(tree, exp.Select):
        return None
    shown = {id(owner[1]) for node in tree.expressions if (owner := names.owner(node.unalias()))}
    named = tree.copy()
    changed = False
    for before, after in zip(tree.expressions, list(named.expressions), strict=True):
        value = _named(before.unalias(), names, shown)
        if value is not None:
            after.replace(exp.alias_(value, before.alias_or_name, quoted=True))
            changed = True
    return named if changed else None


def _named(node: exp.Expr, names: Names, shown: set[int]) -> exp.Expr | None:
    """A column's value with its name before it; None if it is no code, or the result shows the name anyway."""
    owner = names.owner(node)
    select = node.find_ancestor(exp.Select)
    if owner is None or select is None or not _is_code(owner[1]):
        return None
    table, column = owner
    scope, _ = names.scope(select)
    alias = node.text("table") or next(name for name, other in scope.items() if other is table)
    for home, key in _keys(table, column, names):
        label = _label(home, key)
        if label is None or id(label) in shown or _most(select, table, column) * home.rows > _LOOKS:
            continue
        code = exp.column(column.name, table=alias)
        is_it = exp.EQ(this=exp.column(key.name, table="named"), expression=code.copy())
        name = exp.select(exp.column(label.name, table="named")).from_(exp.alias_(exp.to_table(home.name), "named"))
        both = _joined(name.where(is_it).subquery(), exp.Literal.string(" ("), code, exp.Literal.string(")"))
        return exp.Coalesce(this=both, expressions=[code.copy()])
    return None


def _keys(table: Table, column: Column, names: Names) -> Iterable[tuple[Table, Column]]:
    """The keys that a column may stand for: those it refers to, or itself if others refer to it."""
    own = (table.name, column.name)
    for reference in names.references:
        if own in ((reference.table, reference.column), (reference.to_table, reference.to_column)):
            home = names.tables[reference.to_table]
            key = column_of(home, reference.to_column)
            if key is not None and key.distinct >= home.rows and _says_so(column, reference):
                yield home, key


def _says_so(column: Column, reference: Reference) -> bool:
    """Whether the names of the columns agree, if it is a number: small numbers are values of many a key by chance."""
    here = set(reference.column.lower().split("_"))
    there = set(f"{reference.to_table}_{reference.to_column}".lower().split("_"))
    return column.type != "number" or bool(here & there)


def _label(table: Table, key: Column) -> Column | None:
    """The first column that names the rows of a table: short texts, nearly all different, that are no codes."""
    for column in table.columns:
        texts = _texts(column)
        if column is key or column.type in ("number", "date", "time", "flag") or not texts or _is_code(column):
            continue
        if column.distinct >= _NEARLY * table.rows and sum(map(len, texts)) <= _NAME * len(texts):
            return column
    return None


def _is_code(column: Column) -> bool:
    """Whether most values of a column are numbers, contain digits, or are a few capitals."""
    if column.type in ("date", "time", "flag") or column.unit:
        return False
    texts = _texts(column)
    return column.type == "number" or 2 * sum(map(_coded, texts)) > len(texts)


def _coded(text: str) -> bool:
    return any(map(str.isdigit, text)) or (len(text) <= _ABBREVIATION and text.isascii() and text.isupper())


def _texts(column: Column) -> Sequence[str]:
    return [str(value) for value, _ in column.common]


def _most(select: exp.Select, table: Table, column: Column) -> int:
    """The most names that a query looks up for the column: one a row, or one a value."""
    alike = any(select.args.get(part) is not None for part in ("group", "distinct"))
    return column.distinct if alike else table.rows


def _joined(*parts: exp.Expr) -> exp.Expr:
    first, *rest = parts
    for part in rest:
        first = exp.DPipe(this=first, expression=part)
    return first
