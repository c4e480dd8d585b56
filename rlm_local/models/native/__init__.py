"""llama.cpp's library: had without a compiler, tried in a process of its own, bound to llama-cpp-python's declarations.

    from rlm_local.models.native import VARIABLE, c, prepare

    prepare(home, report)                  # at the start of whatever decodes; the first time it fetches and tries
    c.llama_model_default_params()         # llama.cpp's functions; without `prepare` the first use of one prepares

llama-cpp-python is installed as declarations alone, which takes seconds. The library is a folder of shared objects: one
that the environment or `rlm-local setup` names, one that was compiled into llama-cpp-python's wheel, or a package
that is fetched. A process has one for all its life.
"""

from rlm_local.models.native.binding import declarations, first_error
from rlm_local.models.native.compiled import compiler
from rlm_local.models.native.library import Library
from rlm_local.models.native.process import c, library, prepare, use
from rlm_local.models.native.setup import BACKENDS, VARIABLE, NoLibraryError, Notice, Setup, silent

__all__ = [
    "BACKENDS",
    "VARIABLE",
    "Library",
    "NoLibraryError",
    "Notice",
    "Setup",
    "c",
    "compiler",
    "declarations",
    "first_error",
    "library",
    "prepare",
    "silent",
    "use",
]
