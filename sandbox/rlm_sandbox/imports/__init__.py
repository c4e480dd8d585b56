"""What the guest can ask of the host: everything it imports, allowed by name or refused.

Pyodide imports 268 functions. Those that `files`, `clocks`, `heap` and `process` name are implemented; those of
`refused` answer with an error that Python code can catch; any other ends the session with its name. Each implementation
stands under its import's name and contract: it returns what the C side expects, raises `SysError` for what the guest
may recover from, and touches guest memory through `GuestMemory` alone.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import wasmtime

from rlm_sandbox import native
from rlm_sandbox.syserr import SysError

Implementation = Callable[..., int | float | None]
Table = Mapping[str, Implementation]
Method = TypeVar("Method", bound=Callable[..., Any])

_WASI = "wasi_snapshot_preview1"


class ImportRefused(Exception):  # noqa: N818 - ends the session, named for what happened
    """The guest called an import that is not on the list."""


def implements(*names: str) -> Callable[[Method], Method]:
    """Marks a method as what these imports do."""

    def mark(method: Method) -> Method:
        vars(method)["implements"] = names
        return method

    return mark


class Imports:
    """Imports on one subject, and the state that they share."""

    def table(self) -> Table:
        return {
            name: getattr(self, attribute)
            for kind in type(self).__mro__
            for attribute, member in vars(kind).items()
            for name in getattr(member, "implements", ())
        }


def link(engine: wasmtime.Engine, module: wasmtime.Module, *tables: Table) -> wasmtime.Linker:
    """A linker that satisfies every import of `module` from `tables`, and by default with a refusal."""
    allowed = {name: implementation for table in tables for name, implementation in table.items()}
    linker = wasmtime.Linker(engine)
    for entry in module.imports:
        kind, name = entry.type, entry.name
        if not isinstance(kind, wasmtime.FuncType) or name is None:
            raise ValueError(f"the module imports {entry.module}.{name}, which is no function")
        native.define(linker, entry.module, name, kind, _bind(entry.module, name, allowed.get(name)))
    return linker


def _bind(module: str, name: str, implementation: Implementation | None) -> Implementation:
    if implementation is None:

        def refuse(*_arguments: object) -> None:
            raise ImportRefused(name)

        return refuse
    # WASI calls return the error number, Emscripten's system calls its negative, the rest cannot fail.
    sign = 1 if module == _WASI else -1 if name.startswith("__syscall_") else 0

    def call(*arguments: object) -> int | float | None:
        try:
            return implementation(*arguments)
        except SysError as error:
            if not sign:
                raise
            return sign * error.errno

    return call
