"""A Python program that a model wrote: parsed, its names all there, its slips put right. It runs in the sandbox."""

import ast
import builtins
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta

from rlm_local.collection import Table
from rlm_local.collection.values import fold
from rlm_local.engine.authors.errors import BadProgram
from rlm_local.engine.authors.names import nearest

_TYPES = (str, bytes, int, float, list, dict, set, tuple, Counter, datetime, timedelta, re.Match)
_OF_DOCUMENTS = ("text", "title", "name", "kind", "start", "end", "place")
_ATTRIBUTES = frozenset(_OF_DOCUMENTS).union(*map(dir, _TYPES))
"""What a value may have that is no column."""

_TOOLS = frozenset("FINAL sql search read whether judge classify extract answer documents llm_query rlm_query".split())


def check_python(text: str, tables: Sequence[Table]) -> str:
    """A program whose names are all there.

    Raises:
        BadProgram: it cannot be parsed, uses a name that nothing gives it, pairs rows of two tables by place, or
            compares a whole column with one value.
    """
    named = {table.name for table in tables}
    try:
        tree = ast.parse(text)
        given = frozenset(_given(tree))
        known = given.union(dir(builtins), _TOOLS, named)
        tree = _Slips(tables, known, _modules(tree)).visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadProgram(f"this is no Python: {error}") from error
    _refuse_zips(tree, named)
    _refuse_columns_as_values(tree, named - given)
    used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    unknown = next((name for name in used if name not in known), None)
    if unknown:
        raise BadProgram(f"there is no {unknown}; there are the tables {', '.join(table.name for table in tables)}")
    return ast.unparse(tree)


def is_python(text: str) -> bool:
    """Whether a text is a program in Python, whatever the fence around it says."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(name, ast.Name) and name.id.upper() == "FINAL" for name in called)


def _column(name: str, columns: Sequence[str]) -> str:
    """The column of that name, or of the nearest; empty if none is near."""
    return name if name in columns else nearest(name, columns)


def _refuse_zips(tree: ast.AST, tables: Container[str]) -> None:
    """That rows of two tables are not put together by where they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
            named = [arg.id for arg in node.args if isinstance(arg, ast.Name) and arg.id in tables]
            if len(named) > 1:
                raise BadProgram(
                    f"rows of {' and '.join(named)} belong together by a value that both have, not by place"
                )


def _refuse_columns_as_values(tree: ast.AST, tables: Container[str]) -> None:
    """That a column of a table, which is a list, is not compared with one value, as other libraries allow."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or any(isinstance(each, ast.In | ast.NotIn) for each in node.ops):
            continue
        sides = [node.left, *node.comparators]
        for side in sides if any(isinstance(side, ast.Constant) for side in sides) else ():
            if isinstance(side, ast.Attribute) and isinstance(side.value, ast.Name) and side.value.id in tables:
                said = ast.unparse(side)
                raise BadProgram(f"{said} is the list of all values, not one: go through the rows with `for`")


def is_phrase(text: str, value: object, question: str) -> bool:
    """Whether a result is only a phrase of the program's own, as "none found": neither a value nor of the question."""
    if not isinstance(value, str) or fold(value) in fold(question):
        return False
    try:
        constants = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return value in constants


def _given(tree: ast.AST) -> Iterator[str]:
    """The names that a program gives something to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from _modules(node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            yield node.name


def _modules(tree: ast.AST) -> frozenset[str]:
    """The names that imports give."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return frozenset(alias.asname or alias.name.partition(".")[0] for node in imports for alias in node.names)


class _Slips(ast.NodeTransformer):
    """`final(x)` is FINAL(x); `x is None` is `x == None`, as what a row does not give is no None; `row.region` is the
    column us_region, where there is no nearer one; and a column that stands alone is that of the row that is gone
    through, or else the values of the one table that has it.

    Args:
        known: names that the program gives something to, or that are there anyway, as tables are.
        modules: names that imports give.
    """

    def __init__(self, tables: Sequence[Table], known: Container[str], modules: Container[str]) -> None:
        self._tables = {table.name: [column.name for column in table.columns] for table in tables}
        self._columns = [column for columns in self._tables.values() for column in columns]
        self._known, self._modules = known, modules
        self._rows: list[tuple[str, str]] = []  # variables of rows that are gone through, with their tables

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id.upper() == "FINAL":
            node.id = "FINAL"
        if node.id in self._known or not isinstance(node.ctx, ast.Load):
            return node
        for row, table in self._rows:
            if column := _column(node.id, self._tables[table]):
                return ast.Attribute(ast.Name(row, ast.Load()), column, ast.Load())
        having = [(table, column) for table, columns in self._tables.items() if (column := _column(node.id, columns))]
        if len(having) != 1:
            return node
        [(table, column)] = having
        return ast.Subscript(ast.Name(table, ast.Load()), ast.Constant(column), ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        self.generic_visit(node)
        of_module = isinstance(node.value, ast.Name) and node.value.id in self._modules
        if not of_module and node.attr not in _ATTRIBUTES:
            node.attr = _column(node.attr, self._columns) or node.attr
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        return self._through(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        return self._through(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        return self._through(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return self._through(node)

    def _through(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> ast.expr:
        rows = [
            (each.target.id, each.iter.id)
            for each in node.generators
            if isinstance(each.target, ast.Name) and isinstance(each.iter, ast.Name) and each.iter.id in self._tables
        ]
        self._rows = [*rows, *self._rows]
        self.generic_visit(node)
        self._rows = self._rows[len(rows) :]
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        changed: dict[type[ast.cmpop], ast.cmpop] = {ast.Is: ast.Eq(), ast.IsNot: ast.NotEq()}
        for place, operator in enumerate(node.ops):
            if any(isinstance(side, ast.Constant) and side.value is None for side in sides[place : place + 2]):
                node.ops[place] = changed.get(type(operator), operator)
        return node
