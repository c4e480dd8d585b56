"""Which library of llama.cpp this process has: chosen once, fetched where there is none."""

import importlib.util
import os
import threading
from pathlib import Path
from typing import Any

from rlm_local.home import Home
from rlm_local.models.errors import LibraryError
from rlm_local.models.native.binding import bind
from rlm_local.models.native.library import Library
from rlm_local.models.native.packages import ensure_package, package_for
from rlm_local.models.sources import Report

VARIABLE = "LLAMA_CPP_LIB_PATH"
"""The environment variable that names a folder with the library; llama-cpp-python has it, too."""


class _Bindings:
    """The functions and types of `llama_cpp.llama_cpp`, once there is a library; the first use of one sees to that."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        prepare(Home.default())
        return object.__getattribute__(self, name)


c: Any = _Bindings()

_lock = threading.Lock()
_bound: Library | None = None


def prepare(home: Home, report: Report = lambda _what, _share: None) -> Library:
    """The library of this process, which is bound to `c`.

    Args:
        home: where it is kept.
        report: told what is fetched.

    Raises:
        LibraryError: none can be had that works here.
    """
    global _bound
    with _lock:
        if _bound is None:
            library = _choose(home, report)
            c.__dict__.update(bind(library).__dict__)
            _bound = library
        return _bound


def _choose(home: Home, report: Report) -> Library:
    if named := os.environ.get(VARIABLE):
        return Library(Path(named), f"the folder that {VARIABLE} names")
    if (brought := _brought()).is_dir():
        return Library(brought, "llama-cpp-python's own build")
    package = package_for("cpu")
    if package is None:
        raise LibraryError("there is no build of llama.cpp for this machine", remedy="Install a C++ compiler")
    return ensure_package(package, home.native, report)


def _brought() -> Path:
    """Where llama-cpp-python has a library, if it was installed with one."""
    spec = importlib.util.find_spec("llama_cpp")
    return Path((spec and spec.origin) or "").parent / "lib"
