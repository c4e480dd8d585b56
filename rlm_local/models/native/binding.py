"""llama-cpp-python's bindings over a library that it did not bring: llama.cpp's functions, loaded and guarded.

The bindings are ctypes declarations of one version of llama.cpp. A library of another version would take structures of
another shape without a word, so what it fills in by default is compared with what this version fills in.
"""

import ctypes
import importlib
import importlib.util
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from rlm_local.models.errors import LibraryError
from rlm_local.models.native.library import Library

_PACKAGE = "llama_cpp"
_VERSION = "0.3.36"  # of llama-cpp-python, as pyproject.toml pins it
_REMEDY = "Run `rlm-local setup` to fetch one that fits, or `rlm-local setup --backend compile`"

_UNUSED = frozenset({"llama_process", "llama_get_causal_attn"})
_UNUSED_KIND = "llama_batch_ext_"
"""What the bindings declare, llama.cpp 0.5.0 does not have, and nothing here calls."""

_PADDING = 512  # bytes: a structure that has grown in another version must not be written past ours

_DEFAULTS: dict[str, dict[str, Any]] = {
    "llama_model_default_params": {
        "devices": None, "tensor_buft_overrides": None, "n_gpu_layers": -1, "split_mode": 1, "load_mode": -1,
        "lazy_mode": 1, "main_gpu": 0, "progress_callback_user_data": None, "vocab_only": False,
        "check_tensors": False, "use_extra_bufts": True, "no_host": False, "no_alloc": False, "load_mtp": False,
    },
    "llama_context_default_params": {
        "n_ctx": 512, "n_batch": 2048, "n_ubatch": 512, "n_seq_max": 1, "n_rs_seq": 0, "n_outputs_max": 0,
        "n_outputs_max_per_seq": 1, "n_threads": 4, "n_threads_batch": 4, "ctx_type": 0, "rope_scaling_type": -1,
        "pooling_type": -1, "attention_type": -1, "flash_attn_type": -1, "rope_freq_base": 0.0,
        "rope_freq_scale": 0.0, "yarn_ext_factor": -1.0, "yarn_attn_factor": -1.0, "yarn_beta_fast": -1.0,
        "yarn_beta_slow": -1.0, "yarn_orig_ctx": 0, "defrag_thold": -1.0, "cb_eval_user_data": None, "type_k": 1,
        "type_v": 1, "abort_callback_data": None, "embeddings": False, "offload_kqv": True, "no_perf": True,
        "op_offload": True, "swa_full": True, "kv_unified": False, "n_samplers": 0, "ctx_other": None,
    },
}  # fmt: skip
"""What llama.cpp 0c1e57098, which llama-cpp-python 0.3.36 declares, fills in: llama.cpp's include/llama.h."""

_log = logging.getLogger("rlm_local.llama_cpp")
_log.addHandler(logging.NullHandler())  # without a handler of its own, logging would print to the terminal
_LEVELS = {2: logging.DEBUG, 3: logging.INFO, 4: logging.WARNING}  # what fails comes back as a code and is raised
_ERROR = 4

_said = threading.local()  # `error`: what llama.cpp logged as one in this thread: its reason for a null pointer


def first_error() -> str:
    """What llama.cpp logged as an error in this thread, the first since it was last asked: the reason; what follows is
    only that something failed."""
    error: str = getattr(_said, "error", "")
    _said.error = ""
    return error


def bind(library: Library) -> ModuleType:
    """The module `llama_cpp.llama_cpp` over this library, whose backends are loaded. Once a process.

    Raises:
        LibraryError: it is no library for this machine, or another version's.
    """
    # libgomp's spinning barriers cost 3 to 17 times on a machine that is shared; it reads this when it is loaded
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    module = _declare(_open(library))
    _compare(module, library)
    module.llama_log_set(_forward(module), ctypes.c_void_p(None))
    _load_backends(module, library)
    return module


class _Shared(ctypes.CDLL):
    """A library in which what is known to be absent and not needed is a function that says so."""

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name in _UNUSED or name.startswith(_UNUSED_KIND):
                return _absent(name)
            raise


def _absent(name: str) -> Callable[..., None]:
    def call(*_arguments: object) -> None:
        raise LibraryError(f"this build of llama.cpp has no {name}", remedy=_REMEDY)

    return call


def _open(library: Library) -> _Shared:
    try:
        return _Shared(str(library.file))
    except OSError as error:
        raise LibraryError(f"llama.cpp's library cannot be loaded: {error}", remedy=_REMEDY) from error


def _declare(shared: _Shared) -> ModuleType:
    """The bindings' declarations over these functions."""

    def load_shared_library(_name: str, _folder: Path) -> _Shared:
        return shared

    extensions: Any = declarations("_ctypes_extensions")
    extensions.load_shared_library = load_shared_library
    try:
        return declarations("llama_cpp")
    except AttributeError as error:  # ctypes says "<path>: undefined symbol: <name>"
        raise LibraryError(f"llama.cpp's library is of another version: {error}", remedy=_REMEDY) from error


def declarations(name: str) -> ModuleType:
    """A module of llama-cpp-python.

    The package's own `__init__` looks for a library beside itself, and imports a good deal that is not used here: it is
    left out, and runs when somebody imports `llama_cpp` itself, over the library that is bound then.

    Raises:
        LibraryError: llama-cpp-python is not installed.
    """
    if _PACKAGE in sys.modules:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None:
        raise LibraryError("llama-cpp-python is not installed", remedy=f"`pip install llama-cpp-python=={_VERSION}`")
    sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    finally:
        del sys.modules[_PACKAGE]


def _compare(module: Any, library: Library) -> None:
    """Refuse a library that fills in other defaults than the bindings' version."""
    for name, expected in _DEFAULTS.items():
        function = getattr(module, name)
        plain = function.restype

        class Padded(ctypes.Structure):
            _fields_ = (("own", plain), ("rest", ctypes.c_uint8 * _PADDING))

        function.restype = Padded
        try:
            given = function().own
        finally:
            function.restype = plain
        for field, value in expected.items():
            found = getattr(given, field)
            if found != value:
                raise LibraryError(
                    f"{library.file} is not the llama.cpp of llama-cpp-python {_VERSION}: "
                    f"{name} gives {field} = {found} instead of {value}",
                    remedy=_REMEDY,
                )


def _forward(module: Any) -> Any:
    """llama.cpp's own words go to the log, not to the terminal."""

    def forward(level: int, text: bytes, _data: int | None) -> None:
        said = text.decode(errors="replace").rstrip()
        if level == _ERROR and not getattr(_said, "error", ""):
            _said.error = said
        _log.log(_LEVELS.get(level, logging.DEBUG), "%s", said)

    module.rlm_local_log = module.llama_log_callback(forward)  # C keeps the pointer alone
    return module.rlm_local_log


def _load_backends(module: Any, library: Library) -> None:
    """Load what computes, where it is not linked in: the chosen variant, or the best for this processor."""
    shared = module._lib
    shared.ggml_backend_reg_count.restype = ctypes.c_size_t
    if shared.ggml_backend_reg_count():
        return
    if library.variant:
        shared.ggml_backend_load.restype = ctypes.c_void_p
        for path in library.backends:
            shared.ggml_backend_load(os.fsencode(path))
    else:
        shared.ggml_backend_load_all_from_path(os.fsencode(library.folder))
    if not shared.ggml_backend_reg_count():
        raise LibraryError(f"no backend in {library.folder} runs on this machine: {first_error()}", remedy=_REMEDY)
