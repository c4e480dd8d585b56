"""Which functions of a Python module change its global state: rebind a variable of it, or change what one holds."""

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef

_IN_PLACE = frozenset(
    "add append appendleft clear discard extend insert move_to_end pop popitem popleft remove reverse setdefault sort "
    "subtract update".split()
)
"""Methods of lists, sets, dicts and deques that change them."""


def mutators(module: ast.Module) -> set[Function]:
    """The functions and methods, at any depth, that change a variable of the module: themselves, or one inside them.

    In place means an item or attribute that is assigned or deleted, or a call of a method that changes what it is of.
    What an alias, a callee or an imported module changes is not seen.
    """
    found: set[Function] = set()
    shared = _bound(module)
    waiting: list[tuple[ast.AST, frozenset[str], tuple[Function, ...]]] = [(module, frozenset(), ())]
    while waiting:
        scope, local, inside = waiting.pop()
        if isinstance(scope, Function):
            declared = {name for node in _own(scope) if isinstance(node, ast.Global) for name in node.names}
            arguments = {node.arg for node in ast.walk(scope.args) if isinstance(node, ast.arg)}
            local = (local | _bound(scope) | arguments) - declared
            inside = (*inside, scope)
            if _bound(scope) & declared or any(name in shared - local for name in _changed(scope)):
                found.update(inside)
        waiting.extend((node, local, inside) for node in _own(scope) if isinstance(node, Function | ast.ClassDef))
    return found


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope; those of functions and classes inside it are theirs."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _bound(scope: ast.AST) -> set[str]:
    """The plain names that a scope assigns or deletes."""
    return {node.id for node in _own(scope) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}


def _changed(scope: ast.AST) -> Iterator[str]:
    """The names of what a scope changes in place."""
    for node in _own(scope):
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                base: ast.expr = node
            case ast.Call(func=ast.Attribute(attr=method, value=base)) if method in _IN_PLACE:
                pass
            case _:
                continue
        while isinstance(base, ast.Subscript | ast.Attribute):
            base = base.value
        if isinstance(base, ast.Name):
            yield base.id
