"""Codes in a result are named: `EV` becomes `ExpressJet Airlines Inc. (EV)`, where a table says so.

A query that ends in a code answers in the records' own shorthand, and a person asked who or what. So where a column of
the result refers to a key, or is one that others refer to, the name that its table has stands before it.
"""

from collections.abc import Iterable, Sequence

from sqlglot import exp

from rlm_local.collection import Column, Reference, Table
from rlm_local.engine.authors.names import Names, column_of

_NAME = 60
"""Characters that names have on average at most; what is longer describes."""

_ABBREVIATION = 6
"""Capitals alone, at most so many, are a code: names are written in capitals, too, but are longer."""

_NEARLY = 0.95
"""Of the values of a column that names: some things share a name."""

_LOOKS = 50_000_000
"""Rows that are looked through for names at most, a second or two: the key of a table has no index."""


def name_codes(tree: exp.Expr, names: Names) -> exp.Expr | None:
    """The same query with its codes named; None where it gives none, or no table names them."""
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
    """A column's value with its name before it; None where it is no code, or the result shows the name anyway."""
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
    """The keys that a column may be: the one that it refers to, or itself where others do."""
    own = (table.name, column.name)
    for reference in names.references:
        if own in ((reference.table, reference.column), (reference.to_table, reference.to_column)):
            home = names.tables[reference.to_table]
            key = column_of(home, reference.to_column)
            if key is not None and key.distinct >= home.rows and _says_so(column, reference):
                yield home, key


def _says_so(column: Column, reference: Reference) -> bool:
    """Whether a number is a code: small numbers stand in many a key by chance, so a name has to say so, too."""
    here = set(reference.column.lower().split("_"))
    there = set(f"{reference.to_table}_{reference.to_column}".lower().split("_"))
    return column.type != "number" or bool(here & there)


def _label(table: Table, key: Column) -> Column | None:
    """The first column of a table that names its rows: short texts, nearly each different, that are no codes."""
    for column in table.columns:
        texts = _texts(column)
        if column is key or column.type in ("number", "date", "time", "flag") or not texts or _is_code(column):
            continue
        if column.distinct >= _NEARLY * table.rows and sum(map(len, texts)) <= _NAME * len(texts):
            return column
    return None


def _is_code(column: Column) -> bool:
    """Whether most of a column's values are numbers, or have digits in them, or are a few capitals."""
    if column.type in ("date", "time", "flag") or column.unit:
        return False
    texts = _texts(column)
    return column.type == "number" or 2 * sum(map(_coded, texts)) > len(texts)


def _coded(text: str) -> bool:
    return any(map(str.isdigit, text)) or (len(text) <= _ABBREVIATION and text.isascii() and text.isupper())


def _texts(column: Column) -> Sequence[str]:
    return [str(value) for value, _ in column.common]


def _most(select: exp.Select, table: Table, column: Column) -> int:
    """How often the column is named at most: once a row, or once a value."""
    alike = any(select.args.get(part) is not None for part in ("group", "distinct"))
    return column.distinct if alike else table.rows


def _joined(*parts: exp.Expr) -> exp.Expr:
    first, *rest = parts
    for part in rest:
        first = exp.DPipe(this=first, expression=part)
    return first
