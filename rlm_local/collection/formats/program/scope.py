"""Where the names of Python code are looked up: scopes, what stands in them, and what they bind."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Scoped = ast.Module | Definition | ast.Lambda | Comprehension


@dataclass
class Scope:
    """Where names are looked up: a module, class, function or lambda.

    Attributes:
        function: the function whose lines these are: itself, or the one that a lambda stands in.
        bound: names that are its own; `declared`: those that it says are the module's.
    """

    node: Scoped
    outer: "Scope | None" = None
    name: str = ""
    depth: int = 0
    function: "Scope | None" = None
    bound: set[str] = field(default_factory=set[str])
    declared: set[str] = field(default_factory=set[str])
    uses: dict[tuple[str, str, str], list[ast.AST]] = field(default_factory=dict[tuple[str, str, str], list[ast.AST]])

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)


def nodes_of(scope: Definition | ast.Module | ast.Lambda) -> Iterator[ast.AST]:
    """The nodes of a scope; of definitions in it only decorators, of comprehensions not what is bound by them."""
    waiting: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(reversed(scope.body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Definition):
            waiting += node.decorator_list
        elif isinstance(node, ast.comprehension):
            waiting += (*node.ifs, node.iter)
        elif not isinstance(node, ast.Lambda):
            waiting += children_of(node)


def children_of(node: ast.AST) -> list[ast.AST]:
    """What a node is made of, the last first: what is waiting is taken from its end."""
    found: list[ast.AST] = []
    for name in node._fields:
        value: object = getattr(node, name, None)
        if isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]  # pyright: ignore[reportUnknownVariableType]
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context | ast.operator):
            found.append(value)
    found.reverse()
    return found


def head_of(node: Definition | ast.Lambda | Comprehension) -> Iterator[ast.AST]:
    """What stands in a definition and is not inside of its scope."""
    if isinstance(node, ast.Lambda):
        yield node.args
    elif isinstance(node, Definition):
        yield from node.decorator_list
        if isinstance(node, ast.ClassDef):
            yield from (*node.bases, *node.keywords)
        else:
            yield from filter(None, (node.args, node.returns))


def names_of(scope: Definition | ast.Module | ast.Lambda) -> Iterator[tuple[str, str]]:
    """The names that a scope binds or declares, with how."""
    for node in nodes_of(scope):
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                yield node.id, "bound"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, "bound"
            case ast.alias():
                yield node.asname or node.name.partition(".")[0], "bound"
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, "bound"
            case ast.MatchMapping(rest=str(name)):
                yield name, "bound"
            case ast.Global() | ast.Nonlocal():
                yield from ((name, type(node).__name__.lower()) for name in node.names)
            case _:
                pass


def arguments_of(given: ast.arguments) -> Iterator[ast.arg]:
    yield from (*given.posonlyargs, *given.args)
    yield from [given.vararg] if given.vararg else []
    yield from given.kwonlyargs
    yield from [given.kwarg] if given.kwarg else []


def is_global(name: str, scope: Scope) -> bool:
    """Whether a name is the module's where it stands; classes around a function are not asked."""
    at = scope
    while at.outer is not None:
        if name in at.declared:
            return True
        if name in at.bound and (at is scope or not at.is_class):
            return False
        at = at.outer
    return True
