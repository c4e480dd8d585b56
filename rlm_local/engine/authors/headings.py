"""Headings of a result's columns, in words: "sum of votes" instead of `SUM(t1.votes)`."""

from sqlglot import exp

_WORDS = {"avg": "mean", "min": "least", "max": "greatest"}


def add_headings(tree: exp.Expr) -> exp.Expr:
    """The same query with a heading for each column that is made by a function, where there are two or more columns."""
    if not isinstance(tree, exp.Select) or len(tree.expressions) < 2:
        return tree
    headed = tree.copy()
    taken = {each.alias_or_name for each in headed.expressions}
    for node in list(headed.expressions):
        heading = _heading(node)
        if heading and heading not in taken:
            taken.add(heading)
            node.replace(exp.alias_(node.copy(), heading, quoted=True))
    return headed


def _heading(node: exp.Expr) -> str:
    """`count`, or the function and the column that it is of; empty for what is no function of one column."""
    if not isinstance(node, exp.AggFunc):
        return ""
    columns = list(dict.fromkeys(column.name for column in node.find_all(exp.Column)))
    if isinstance(node, exp.Count):
        return f"different {columns[0]}" if isinstance(node.this, exp.Distinct) and len(columns) == 1 else "count"
    return f"{_WORDS.get(node.key, node.key)} of {columns[0]}" if len(columns) == 1 else ""
