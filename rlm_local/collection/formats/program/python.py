"""Python by its own grammar, and what its functions do with the variables of their module."""

import ast
import warnings
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.program.thing import (
    DEEPEST,
    Call,
    Class,
    Function,
    Global,
    GlobalUse,
    Import,
    Thing,
    shortened,
    whole,
)

_IN_PLACE = frozenset(
    "add append appendleft clear discard extend extendleft insert move_to_end pop popitem popleft remove reverse "
    "rotate setdefault sort subtract update intersection_update difference_update symmetric_difference_update".split()
)
"""Methods of lists, sets, dicts, deques and counters that change them."""

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Scoped = ast.Module | _Definition | ast.Lambda | _Comprehension
_LONGEST_NAME = 10  # names with dots between them
_LONGEST_DOCSTRING = 1_000
_MOST_NAMES = 50


def things(text: str) -> Iterator[Thing]:
    """What a module has.

    Raises:
        Unreadable: it is no Python that this interpreter reads, and in which line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise Unreadable(f"not valid Python in line {error.lineno or 1}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable("nested too deep to be read as Python") from error
    return _Module(text, tree).things()


@dataclass
class _Scope:
    """Where names are looked up: a module, class, function or lambda.

    Attributes:
        function: the function whose lines these are: itself, or the one that a lambda stands in.
        bound: names that are its own; `declared`: those that it says are the module's.
    """

    node: _Scoped
    outer: "_Scope | None" = None
    name: str = ""
    depth: int = 0
    function: "_Scope | None" = None
    bound: set[str] = field(default_factory=set[str])
    declared: set[str] = field(default_factory=set[str])
    uses: dict[tuple[str, str, str], list[ast.AST]] = field(default_factory=dict[tuple[str, str, str], list[ast.AST]])

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)


class _Module:
    def __init__(self, text: str, tree: ast.Module) -> None:
        self._text, self._tree = text, tree
        self._places = _Places(text)
        self._found: list[Thing] = []
        self._functions: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, _Scope, _Scope]] = []
        self._variables: dict[str, ast.Name | ast.Global] = {}  # with the node that is assigned first
        self._definitions: set[str] = set()
        self._seen: set[int] = set()  # nodes whose use is told with the node around them

    def things(self) -> Iterator[Thing]:
        self._assigned()
        waiting: list[tuple[ast.AST, _Scope]] = [(self._tree, _Scope(self._tree))]
        while waiting:
            node, scope = waiting.pop()
            self._see(node, scope)
            if isinstance(node, _Definition | ast.Lambda | _Comprehension):
                inner, head = self._scope(node, scope), {id(child) for child in _head(node)}
                waiting += [(child, scope if id(child) in head else inner) for child in _children(node)]
            else:
                waiting += [(child, scope) for child in _children(node)]
        yield from self._found
        for function, scope, outer in self._functions:
            yield self._function(function, scope, outer)
            yield from self._uses(scope)

    def _assigned(self) -> None:
        """The module's variables, and the places where each is first given a value."""
        values: dict[int, ast.AST] = {}
        for node in _own(self._tree):
            match node:
                case ast.Name(ctx=ast.Store()):
                    self._variables.setdefault(node.id, node)
                case ast.Assign(targets=targets, value=value):
                    values.update((id(target), value) for target in targets)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    values[id(target)] = value
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    self._definitions.add(node.name)
                case _:
                    pass
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Global):
                for name in node.names:
                    self._variables.setdefault(name, node)
        for name, node in self._variables.items():
            value = values.get(id(node))
            start, end = self._places.of(node)
            said = shortened(self._text, *self._places.of(value)) if value else None
            self._found.append(Global(start=start, end=end, name=name, value=said, line=node.lineno))

    def _scope(self, node: _Definition | ast.Lambda | _Comprehension, outer: _Scope) -> _Scope:
        inner = _Scope(node, outer, outer.name, outer.depth, outer.function)
        if isinstance(node, _Comprehension):
            targets = (name for each in node.generators for name in ast.walk(each.target))
            inner.bound.update(name.id for name in targets if isinstance(name, ast.Name))
            return inner
        if not isinstance(node, ast.ClassDef):
            inner.bound.update(arg.arg for arg in _arguments(node.args))
        outside: set[str] = set()
        for name, kind in _names(node):
            (inner.bound if kind == "bound" else outside).add(name)
            if kind == "global":
                inner.declared.add(name)
        inner.bound -= outside
        if isinstance(node, ast.Lambda) or outer.depth >= DEEPEST:
            return inner
        inner.depth += 1
        inner.name = f"{outer.name}.{node.name}" if outer.name else node.name
        if isinstance(node, ast.ClassDef):
            self._found.append(self._class(node, inner))
        else:
            inner.function = inner
            self._functions.append((node, inner, outer))
        return inner

    # what stands at a node

    def _see(self, node: ast.AST, scope: _Scope) -> None:
        match node:
            case ast.Call(func=called):
                self._call(node, called, scope)
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope)
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                self._change(node.value, scope, f"item {_verb(node.ctx)}")
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                self._change(node.value, scope, f"attribute {_verb(node.ctx)}")
            case ast.Name():
                self._name(node, scope)
            case _:
                pass

    def _name(self, node: ast.Name, scope: _Scope) -> None:
        if not isinstance(node.ctx, ast.Load):
            if node.id in scope.declared:
                self._use(node, scope, _verb(node.ctx))
        elif id(node) not in self._seen and node.id in self._variables:
            self._use(node, scope, "read")

    def _change(self, base: ast.expr, scope: _Scope, use: str, method: str = "") -> None:
        while isinstance(base, ast.Subscript | ast.Attribute):
            base = base.value
        if isinstance(base, ast.Name) and (base.id in self._variables or (base.id in self._definitions and not method)):
            self._seen.add(id(base))
            self._use(base, scope, use, method)

    def _use(self, node: ast.Name, scope: _Scope, use: str, method: str = "") -> None:
        if scope.function is not None and _is_global(node.id, scope):
            scope.function.uses.setdefault((node.id, use, method), []).append(node)

    def _call(self, node: ast.Call, called: ast.expr, scope: _Scope) -> None:
        if isinstance(called, ast.Attribute):
            self._change(called.value, scope, "method called", called.attr)
        names: list[str] = []
        base = called
        while isinstance(base, ast.Attribute) and len(names) < _LONGEST_NAME:
            names.append(base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            names.append(base.id)
        if not names:
            return
        callee = ".".join(reversed(names)) if isinstance(base, ast.Name) else names[0]
        start, end = self._places.of(node)
        function = scope.function.name if scope.function else None
        self._found.append(
            Call(start=start, end=end, name=names[0], callee=callee, function=function, line=node.lineno)
        )

    def _import(self, node: ast.Import | ast.ImportFrom, scope: _Scope) -> None:
        start, end = self._places.of(node)
        source = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            self._found.append(
                Import(
                    start=start,
                    end=end,
                    module=source or alias.name,
                    name=alias.name if source else None,
                    alias=alias.asname,
                    function=scope.function.name if scope.function else None,
                    line=node.lineno,
                    language="python",
                )
            )

    # definitions

    def _class(self, node: ast.ClassDef, scope: _Scope) -> Class:
        start, end = self._extent(node)
        return Class(
            start=start,
            end=end,
            name=node.name,
            qualified_name=scope.name,
            kind="class",
            bases=self._listed(node.bases),
            decorators=self._listed(node.decorator_list),
            docstring=_docstring(node),
            line=node.lineno,
            lines=self._lines(node),
            language="python",
            text=whole(self._text, start, end),
        )

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope, outer: _Scope) -> Function:
        start, end = self._extent(node)
        arguments = list(_arguments(node.args))
        used = {name for name, use, _ in scope.uses if use == "read"}
        changed = {name for name, use, method in scope.uses if _changes(use, method)}
        kind = "method" if outer.is_class else "function"
        return Function(
            start=start,
            end=end,
            name=node.name,
            class_=outer.name if outer.is_class else None,
            qualified_name=scope.name,
            kind=kind if isinstance(node, ast.FunctionDef) else f"async {kind}",
            parameters=", ".join(arg.arg for arg in arguments[:_MOST_NAMES]) or None,
            parameter_count=len(arguments),
            returns=shortened(self._text, *self._places.of(node.returns)) if node.returns else None,
            decorators=self._listed(node.decorator_list),
            docstring=_docstring(node),
            line=node.lineno,
            lines=self._lines(node),
            language="python",
            globals_used=_listed(used),
            globals_changed=_listed(changed),
            text=whole(self._text, start, end),
        )

    def _uses(self, scope: _Scope) -> Iterator[GlobalUse]:
        for (name, use, method), nodes in scope.uses.items():
            start, end = self._places.of(nodes[0])
            yield GlobalUse(
                start=start,
                end=end,
                name=name,
                function=scope.name,
                use=use,
                method=method or None,
                changes=_changes(use, method),
                times=len(nodes),
                line=getattr(nodes[0], "lineno", 0),
            )

    def _extent(self, node: _Definition) -> tuple[int, int]:
        """From the first decorator to the end."""
        start, end = self._places.of(node)
        for decorator in node.decorator_list[:1]:
            start = self._text.rfind("@", 0, self._places.of(decorator)[0])
        return start, end

    def _lines(self, node: _Definition) -> int:
        return (node.end_lineno or node.lineno) - node.lineno + 1

    def _listed(self, nodes: Sequence[ast.expr]) -> str | None:
        return ", ".join(shortened(self._text, *self._places.of(node)) for node in nodes[:_MOST_NAMES]) or None


class _Places:
    """Where in the text nodes stand: the parser counts bytes of UTF-8 in lines."""

    def __init__(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        self._lines = list(accumulate((len(line) + 1 for line in data.split(b"\n")), initial=0))
        self._more: array[int] | None = None  # bytes before each byte that are no first bytes of a character
        if not text.isascii():
            self._more = array("I", accumulate((byte & 0xC0 == 0x80 for byte in data), initial=0))

    def of(self, node: ast.AST) -> tuple[int, int]:
        found = node if isinstance(node, ast.expr | ast.stmt) else None
        if found is None or found.end_lineno is None or found.end_col_offset is None:
            return 0, 0
        return self._at(found.lineno, found.col_offset), self._at(found.end_lineno, found.end_col_offset)

    def _at(self, line: int, column: int) -> int:
        place = self._lines[line - 1] + column
        return place - self._more[place] if self._more else place


def _own(scope: _Definition | ast.Module | ast.Lambda) -> Iterator[ast.AST]:
    """The nodes of a scope; of definitions in it only decorators, of comprehensions not what is bound by them."""
    waiting: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(reversed(scope.body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, _Definition):
            waiting += node.decorator_list
        elif isinstance(node, ast.comprehension):
            waiting += (*node.ifs, node.iter)
        elif not isinstance(node, ast.Lambda):
            waiting += _children(node)


def _children(node: ast.AST) -> list[ast.AST]:
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


def _head(node: _Definition | ast.Lambda | _Comprehension) -> Iterator[ast.AST]:
    """What stands in a definition and is not inside of its scope."""
    if isinstance(node, ast.Lambda):
        yield node.args
    elif isinstance(node, _Definition):
        yield from node.decorator_list
        if isinstance(node, ast.ClassDef):
            yield from (*node.bases, *node.keywords)
        else:
            yield from filter(None, (node.args, node.returns))


def _names(scope: _Definition | ast.Module | ast.Lambda) -> Iterator[tuple[str, str]]:
    """The names that a scope binds or declares, with how."""
    for node in _own(scope):
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


def _arguments(given: ast.arguments) -> Iterator[ast.arg]:
    yield from (*given.posonlyargs, *given.args)
    yield from [given.vararg] if given.vararg else []
    yield from given.kwonlyargs
    yield from [given.kwarg] if given.kwarg else []


def _is_global(name: str, scope: _Scope) -> bool:
    """Whether a name is the module's where it stands; classes around a function are not asked."""
    at = scope
    while at.outer is not None:
        if name in at.declared:
            return True
        if name in at.bound and (at is scope or not at.is_class):
            return False
        at = at.outer
    return True


def _verb(context: ast.expr_context) -> str:
    return "deleted" if isinstance(context, ast.Del) else "assigned"


def _changes(use: str, method: str) -> bool:
    return method in _IN_PLACE if method else use != "read"


def _docstring(node: _Definition) -> str | None:
    return (ast.get_docstring(node) or "")[:_LONGEST_DOCSTRING] or None


def _listed(names: Iterable[str]) -> str | None:
    return ", ".join(sorted(names)[:_MOST_NAMES]) or None
