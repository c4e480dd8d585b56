"""What there is in source code, each kind with the columns of its table; and tables of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from rlm_local.collection.formats.part import MOST_ROWS, Cell, Rows

DEEPEST = 8
"""Definitions that a definition may stand in; deeper ones are part of the one around them."""

_LONGEST = 20_000
_SHORT = 300


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something that stands in code, from which to which character."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Function(Thing):
    """A function or method.

    Attributes:
        qualified_name: with what it is defined in: "Stack.push".
        globals_used, globals_changed: names of the module's variables that its own lines read, and that they assign
            or change in place; None where there are none, or the language is not looked at for them.
    """

    name: str
    class_: str | None
    qualified_name: str
    kind: str
    parameters: str | None
    parameter_count: int
    returns: str | None
    decorators: str | None
    docstring: str | None
    line: int
    lines: int
    language: str
    globals_used: str | None
    globals_changed: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Class(Thing):
    """A class, or what a language has like it: a struct, an interface, an enum, a trait, an impl."""

    name: str
    qualified_name: str
    kind: str
    bases: str | None
    decorators: str | None
    docstring: str | None
    line: int
    lines: int
    language: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Import(Thing):
    """One name that is imported, or one module; `function` is the one it is imported in."""

    module: str
    name: str | None
    alias: str | None
    function: str | None
    line: int
    language: str


@dataclass(frozen=True, kw_only=True)
class Call(Thing):
    """A call: the last name of what is called, all of it where that is names alone, and the function it stands in."""

    name: str
    callee: str
    function: str | None
    line: int


@dataclass(frozen=True, kw_only=True)
class Global(Thing):
    """A variable of a module, where it is first assigned."""

    name: str
    value: str | None
    line: int


@dataclass(frozen=True, kw_only=True)
class GlobalUse(Thing):
    """What a function does with a variable of its module.

    Attributes:
        use: "read", "assigned", "deleted", "item assigned", "item deleted", "attribute assigned", "attribute deleted",
            "method called".
        changes: whether that changes it; of a method the name says so.
        times: how often in that function; the place is that of the first.
    """

    name: str
    function: str
    use: str
    method: str | None
    changes: bool
    times: int
    line: int


_TABLES: dict[type[Thing], str] = {
    Function: "functions",
    Class: "classes",
    Import: "imports",
    Call: "calls",
    Global: "globals",
    GlobalUse: "global_uses",
}


def tables(things: Iterable[Thing]) -> Iterator[Rows]:
    """The things as rows of tables, each kind in the order of the text."""
    by_kind: dict[type[Thing], list[Thing]] = {kind: [] for kind in _TABLES}
    for thing in things:
        by_kind[type(thing)].append(thing)
    for kind, found in by_kind.items():
        found.sort(key=lambda thing: (thing.start, -thing.end))
        names = [each.name for each in fields(kind) if each.name not in ("start", "end")]
        columns = tuple(name.rstrip("_") for name in names)
        for first in range(0, len(found), MOST_ROWS):
            some = found[first : first + MOST_ROWS]
            rows: list[tuple[Cell, ...]] = [tuple(getattr(thing, name) for name in names) for thing in some]
            spans = [(thing.start, thing.end) for thing in some]
            yield Rows(_TABLES[kind], columns, rows, spans, kind=_TABLES[kind])


def shortened(text: str, start: int, end: int) -> str:
    """A stretch of code on one line, cut."""
    return " ".join(text[start : min(end, start + _SHORT)].split())


def whole(text: str, start: int, end: int) -> str:
    """The text of a definition, cut."""
    return text[start : min(end, start + _LONGEST)]
