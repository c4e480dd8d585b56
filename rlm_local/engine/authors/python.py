"""A Python program that a model wrote: parsed, its names all there, its slips put right. It runs in the sandbox."""

import ast
import builtins
import difflib
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta

from rlm_local.collection import Table
from rlm_local.collection.values import fold
from rlm_local.engine.authors.errors import BadProgram

_SPELLING = 0.8
"""Of difflib's ratio: names of columns this near are taken for slips, as those of SQL are."""

_TYPES = (str, bytes, int, float, list, dict, set, tuple, Counter, datetime, timedelta, re.Match)
_OF_DOCUMENTS = ("text", "title", "name", "kind", "start", "end", "place")
_ATTRIBUTES = frozenset(_OF_DOCUMENTS).union(*map(dir, _TYPES))
"""What a value may have that is no column."""

_TOOLS = frozenset("FINAL sql search read judge classify extract answer documents llm_query rlm_query".split())


def check_python(text: str, tables: Sequence[Table]) -> str:
    """A program whose names are all there.

    Raises:
        BadProgram: it cannot be parsed, uses a name that nothing gives it, or pairs rows of two tables by place.
    """
    try:
        tree = ast.parse(text)
        tree = _Slips([column.name for table in tables for column in table.columns], _modules(tree)).visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadProgram(f"this is no Python: {error}") from error
    _refuse_zips(tree, {table.name for table in tables})
    known = set(_given(tree)) | set(dir(builtins)) | _TOOLS | {table.name for table in tables}
    used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    unknown = next((name for name in used if name not in known), None)
    if unknown:
        raise BadProgram(f"there is no {unknown}; there are the tables {', '.join(table.name for table in tables)}")
    return ast.unparse(tree)


def _refuse_zips(tree: ast.AST, tables: Container[str]) -> None:
    """That rows of two tables are not put together by where they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
            named = [arg.id for arg in node.args if isinstance(arg, ast.Name) and arg.id in tables]
            if len(named) > 1:
                raise BadProgram(
                    f"rows of {' and '.join(named)} belong together by a value that both have, not by place"
                )


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
    column us_region, where there is no nearer one."""

    def __init__(self, columns: Sequence[str], modules: Container[str]) -> None:
        self._columns, self._modules = columns, modules

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        self.generic_visit(node)
        of_module = isinstance(node.value, ast.Name) and node.value.id in self._modules
        if not of_module and node.attr not in _ATTRIBUTES and node.attr not in self._columns:
            near = difflib.get_close_matches(node.attr.lower(), self._columns, n=1, cutoff=_SPELLING)
            node.attr = near[0] if near else node.attr
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if node.id.upper() == "FINAL":
            node.id = "FINAL"
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        changed: dict[type[ast.cmpop], ast.cmpop] = {ast.Is: ast.Eq(), ast.IsNot: ast.NotEq()}
        for place, operator in enumerate(node.ops):
            if any(isinstance(side, ast.Constant) and side.value is None for side in sides[place : place + 2]):
                node.ops[place] = changed.get(type(operator), operator)
        return node
