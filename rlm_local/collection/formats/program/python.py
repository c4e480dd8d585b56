"""Python by its own grammar, and what its functions do with the variables of their module."""

import ast
import warnings
from collections.abc import Iterable, Iterator, Sequence

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.program.place import Places
from rlm_local.collection.formats.program.scope import (
    Comprehension,
    Definition,
    Scope,
    arguments_of,
    children_of,
    head_of,
    is_global,
    names_of,
    nodes_of,
)
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


class _Module:
    def __init__(self, text: str, tree: ast.Module) -> None:
        self._text, self._tree = text, tree
        self._places = Places(text)
        self._found: list[Thing] = []
        self._functions: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Scope, Scope]] = []
        self._variables: dict[str, ast.Name | ast.Global] = {}  # with the node that is assigned first
        self._definitions: set[str] = set()
        self._seen: set[int] = set()  # nodes whose use is told with the node around them

    def things(self) -> Iterator[Thing]:
        self._assigned()
        waiting: list[tuple[ast.AST, Scope]] = [(self._tree, Scope(self._tree))]
        while waiting:
            node, scope = waiting.pop()
            self._see(node, scope)
            if isinstance(node, Definition | ast.Lambda | Comprehension):
                inner, head = self._scope(node, scope), {id(child) for child in head_of(node)}
                waiting += [(child, scope if id(child) in head else inner) for child in children_of(node)]
            else:
                waiting += [(child, scope) for child in children_of(node)]
        yield from self._found
        for function, scope, outer in self._functions:
            yield self._function(function, scope, outer)
            yield from self._uses(scope)

    def _assigned(self) -> None:
        """The module's variables, and the places where each is first given a value."""
        values: dict[int, ast.AST] = {}
        for node in nodes_of(self._tree):
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

    def _scope(self, node: Definition | ast.Lambda | Comprehension, outer: Scope) -> Scope:
        inner = Scope(node, outer, outer.name, outer.depth, outer.function)
        if isinstance(node, Comprehension):
            targets = (name for each in node.generators for name in ast.walk(each.target))
            inner.bound.update(name.id for name in targets if isinstance(name, ast.Name))
            return inner
        if not isinstance(node, ast.ClassDef):
            inner.bound.update(arg.arg for arg in arguments_of(node.args))
        outside: set[str] = set()
        for name, kind in names_of(node):
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

    def _see(self, node: ast.AST, scope: Scope) -> None:
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

    def _name(self, node: ast.Name, scope: Scope) -> None:
        if not isinstance(node.ctx, ast.Load):
            if node.id in scope.declared:
                self._use(node, scope, _verb(node.ctx))
        elif id(node) not in self._seen and node.id in self._variables:
            self._use(node, scope, "read")

    def _change(self, base: ast.expr, scope: Scope, use: str, method: str = "") -> None:
        while isinstance(base, ast.Subscript | ast.Attribute):
            base = base.value
        if isinstance(base, ast.Name) and (base.id in self._variables or (base.id in self._definitions and not method)):
            self._seen.add(id(base))
            self._use(base, scope, use, method)

    def _use(self, node: ast.Name, scope: Scope, use: str, method: str = "") -> None:
        if scope.function is not None and is_global(node.id, scope):
            scope.function.uses.setdefault((node.id, use, method), []).append(node)

    def _call(self, node: ast.Call, called: ast.expr, scope: Scope) -> None:
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

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
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

    def _class(self, node: ast.ClassDef, scope: Scope) -> Class:
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

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, outer: Scope) -> Function:
        start, end = self._extent(node)
        arguments = list(arguments_of(node.args))
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

    def _uses(self, scope: Scope) -> Iterator[GlobalUse]:
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

    def _extent(self, node: Definition) -> tuple[int, int]:
        """From the first decorator to the end."""
        start, end = self._places.of(node)
        for decorator in node.decorator_list[:1]:
            start = self._text.rfind("@", 0, self._places.of(decorator)[0])
        return start, end

    def _lines(self, node: Definition) -> int:
        return (node.end_lineno or node.lineno) - node.lineno + 1

    def _listed(self, nodes: Sequence[ast.expr]) -> str | None:
        return ", ".join(shortened(self._text, *self._places.of(node)) for node in nodes[:_MOST_NAMES]) or None


def _verb(context: ast.expr_context) -> str:
    return "deleted" if isinstance(context, ast.Del) else "assigned"


def _changes(use: str, method: str) -> bool:
    return method in _IN_PLACE if method else use != "read"


def _docstring(node: Definition) -> str | None:
    return (ast.get_docstring(node) or "")[:_LONGEST_DOCSTRING] or None


def _listed(names: Iterable[str]) -> str | None:
    return ", ".join(sorted(names)[:_MOST_NAMES]) or None
