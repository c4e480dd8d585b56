"""The library of this process. It has one for all its life: ctypes declares the functions once."""

import threading
from typing import Any

from rlm_local.home import Home
from rlm_local.models.native.binding import bind
from rlm_local.models.native.library import Library
from rlm_local.models.native.setup import Notice, Setup, silent
from rlm_local.models.sources import Report


class _Bindings:
    """The functions and types of `llama_cpp.llama_cpp`, once there is a library; the first use of one sees to that."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        library()
        return object.__getattribute__(self, name)


c: Any = _Bindings()

_lock = threading.RLock()
_bound: list[Library] = []


def prepare(home: Home, report: Report = silent, notice: Notice = silent) -> Library:
    """The library of this process, bound to `c`: chosen, and fetched and tried if need be, unless there is one.

    Args:
        home: where it is kept.
        report: told what is being fetched, compiled or tried.
        notice: told a line when not the best way is taken.

    Raises:
        LibraryError: none can be had that works here.
    """
    with _lock:
        return _bound[0] if _bound else use(Setup(home.native, report, notice).choose())


def library() -> Library:
    """The library of this process; that of the default state directory if none has been prepared."""
    return _bound[0] if _bound else prepare(Home.default())


def use(library: Library) -> Library:
    """Bind this library, unless there is one; the one that is bound.

    Raises:
        LibraryError: it cannot be.
    """
    with _lock:
        if not _bound:
            c.__dict__.update(bind(library).__dict__)
            _bound.append(library)
        return _bound[0]
