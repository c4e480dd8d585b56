"""What the guest runs before the snapshot, and the function that runs each cell."""

import ast
import builtins
import collections
import contextlib
import csv
import datetime
import functools
import gc
import heapq
import importlib.util
import io
import itertools
import json
import linecache
import math
import random
import re
import select
import signal
import statistics
import string
import sys
import textwrap
import time
import traceback
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NoReturn

import rlm_host

import __main__

_READY = (
    collections, csv, datetime, functools, heapq, itertools, json, math, random, re, statistics, string, textwrap,
)  # fmt: skip
# Built into Pyodide for JavaScript's side, which is not there: they would end the session instead of raising.
_ABSENT = ("_ctypes", "_pyodide_core", "js", "pyodide_js")

# The functions below look names up here: what a cell does to `builtins` does not reach what reports it.
__builtins__: dict[str, Any] = dict(builtins.__dict__)
_namespace: dict[str, Any] = __main__.__dict__
_RECURSION = sys.getrecursionlimit()
_cells = itertools.count(1)
# Memory to describe a failure with when the cell has used up all there is.
_RESERVE = 1 << 20
_LONGEST = 1 << 20  # characters of a traceback; the host cuts it to the session's limit
_reserve: list[bytearray] = []
_PIECE = 1 << 20
_LONGEST_POLL = 1000.0  # milliseconds


def run(source: str) -> str | None:
    """Run a cell in `__main__`; the last expression's repr is printed, as in a notebook.

    Returns None, or JSON: [traceback, which limit it shows ("interrupt", "memory", "host_calls") or null]."""
    try:
        _restore()
        try:
            _execute(source)
        finally:
            _flush()
    except BaseException as error:  # noqa: BLE001 - whatever a cell raises, or lets its hooks raise here, is its result
        _reserve.clear()
        _restore_interpreter()
        if isinstance(error, MemoryError):
            gc.collect()  # a cell may have turned the collector off
        return json.dumps(_report(error))
    return None


def _execute(source: str) -> None:
    name = f"<cell {next(_cells)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    tree: Any = compile(source, name, "exec", ast.PyCF_ONLY_AST)
    last: Any = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), _namespace)  # noqa: S102 - this is the sandbox
    if last is not None:
        value = eval(compile(ast.Expression(last.value), name, "eval"), _namespace)  # noqa: S307
        if value is not None:
            _show(repr(value))


def _show(text: str) -> None:
    """In pieces: there may be no room for another copy of a long text."""
    for start in range(0, len(text), _PIECE):
        print(text[start : start + _PIECE], end="")  # noqa: T201
    print()  # noqa: T201


def refresh() -> None:
    """After a restore: what the snapshot has fixed and each session must have for itself."""
    random.seed()


def _limit(error: BaseException) -> str | None:
    kinds = {KeyboardInterrupt: "interrupt", MemoryError: "memory", rlm_host.CallLimit: "host_calls"}
    return next((limit for kind, limit in kinds.items() if isinstance(error, kind)), None)


def _report(error: BaseException) -> tuple[str, str | None]:
    """The traceback, and which limit it shows."""
    try:
        text = "".join(traceback.format_exception(type(error), error, _own_frames(error.__traceback__)))
    except BaseException as second:  # noqa: BLE001 - the cell's own classes format themselves, and time may be up
        text = f"{type(error).__name__} (and formatting it failed: {type(second).__name__})\n"
        return text, _limit(error) or _limit(second)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}\n...\n{text[-_LONGEST // 2 :]}"
    return text, _limit(error)


def _own_frames(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def _open_output() -> io.TextIOWrapper:
    raw = io.FileIO(1, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw, 1 << 16), "utf-8", "backslashreplace")


_output = _open_output()


def _restore() -> None:
    """Put back what a cell may have changed and the next one, and the limits, rely on. One stream serves stdout and
    stderr, so that their order is kept."""
    global _output
    _restore_interpreter()
    if _output.closed:
        _output = _open_output()
    if not _reserve:
        with contextlib.suppress(MemoryError):
            _reserve.append(bytearray(_RESERVE))
    sys.stdout = sys.stderr = _output
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _restore_interpreter() -> None:
    """What running and reporting any cell takes."""
    sys.settrace(None)
    sys.setprofile(None)
    gc.enable()
    builtins.__dict__.update(__builtins__)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION))


def _flush() -> None:
    with contextlib.suppress(BaseException):  # closed by the cell: nothing is left to flush
        _output.flush()


def _sleep(seconds: float) -> None:
    """Emscripten's own sleep is a busy loop that no signal interrupts."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    end, waiting = time.monotonic() + seconds, select.poll()
    while (left := end - time.monotonic()) > 0:
        waiting.poll(min(max(1, left * 1000), _LONGEST_POLL))


def _no_self_pipe(loop: Any) -> None:
    """There are no sockets, and neither threads nor processes that would have to wake the loop."""
    loop._ssock = loop._csock = None


def _no_input(_prompt: object = "", /) -> NoReturn:
    raise RuntimeError("input() has nobody to ask: use the variables and functions of the session")


def _helpers() -> Iterator[tuple[str, Any]]:
    """The public names of the module `rlm`, where there is one."""
    if importlib.util.find_spec("rlm"):
        module = importlib.import_module("rlm")
        for name in getattr(module, "__all__", ()):
            yield name, getattr(module, name)


def _set_up() -> None:
    for name in _ABSENT:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType] - it means: cannot be imported
    time.sleep = _sleep
    for name in ("_make_self_pipe", "_close_self_pipe"):
        setattr(BaseSelectorEventLoop, name, _no_self_pipe)
    builtins.input = __builtins__["input"] = _no_input
    _namespace.update({module.__name__: module for module in _READY})
    _namespace.update(_helpers())
    gc.collect()
    gc.freeze()


_set_up()
