"""Booting CPython in a machine, without Pyodide's JavaScript: what happens once, before the snapshot.

The order is Emscripten's: constructors, then CPython's configuration (PEP 741), then the guest's driver module, which
imports everything a session shall find ready.
"""

import re
import struct
from collections.abc import Generator
from contextlib import contextmanager

from rlm_sandbox.interpreter import Anchors, c_string
from rlm_sandbox.machine import LIBRARY, PACKAGES, Machine

_SEARCH = (LIBRARY, "/lib/python3.14", "/lib/python3.14/lib-dynload", PACKAGES)
_INTEGERS = {
    "utf8_mode": 1,
    "write_bytecode": 0,
    "install_signal_handlers": 0,
    "site_import": 1,
    "buffered_stdio": 1,
    "use_hash_seed": 1,  # str hashes are part of the snapshot, the same for all sessions
    "hash_seed": 0,
}
_STRINGS = {
    "program_name": "/bin/python3",
    "executable": "/bin/python3",
    "home": "/",
    **dict.fromkeys(("prefix", "exec_prefix", "base_prefix", "base_exec_prefix"), "/"),
}
_METH_O = 8


def trampoline_of(glue: str) -> bytes:
    """The helper module that Pyodide's JavaScript carries as hexadecimal text: CPython's calls of functions that take
    fewer arguments. Raises ValueError where it is not found."""
    found = re.search(r'getWasmTrampolineModule\(\)\{.{0,80}?hexStringToUTF8Array\("([0-9a-f]+)"\)', glue)
    if not found:
        raise ValueError("Pyodide's JavaScript does not hold the trampoline where it was")
    return bytes.fromhex(found[1])


def boot(machine: Machine) -> Anchors:
    """From a fresh instance to a REPL that waits for its first cell. Raises RuntimeError with Python's message."""
    offset = machine.memory.u32(machine.address("_PyEM_EMSCRIPTEN_TRAMPOLINE_OFFSET"))
    machine.memory.set_u32(machine.address("_PyRuntime") + offset, machine.trampoline)
    machine.call("__wasm_call_ctors")
    _initialize(machine)
    _add_request(machine)
    with c_string(machine, "rlm_driver") as name:
        driver = _checked(machine, machine.call("PyImport_ImportModule", name))
    with c_string(machine, "__main__") as name:
        main = machine.call("PyModule_GetDict", machine.call("PyImport_AddModule", name))
    functions: list[int] = []
    for attribute in ("run", "refresh"):
        with c_string(machine, attribute) as name:
            functions.append(_checked(machine, machine.call("PyObject_GetAttrString", driver, name)))
    scratch = machine.call("malloc", 4)
    return Anchors(functions[0], functions[1], main, scratch, machine.trampoline, machine.request)


def _initialize(machine: Machine) -> None:
    config = machine.call("PyInitConfig_Create")

    def check(status: int) -> None:
        if status:
            result = machine.call("malloc", 4)
            machine.call("PyInitConfig_GetError", config, result)
            raise RuntimeError(f"Python does not start: {machine.memory.text(machine.memory.u32(result))}")

    with c_strings(machine, [*_INTEGERS, *_STRINGS, *_STRINGS.values(), *_SEARCH, "module_search_paths"]) as at:
        for key, value in _INTEGERS.items():
            check(machine.call("PyInitConfig_SetInt", config, at[key], value))
        for key, text in _STRINGS.items():
            check(machine.call("PyInitConfig_SetStr", config, at[key], at[text]))
        paths = machine.call("malloc", 4 * len(_SEARCH))
        machine.memory.write(paths, struct.pack(f"<{len(_SEARCH)}I", *(at[path] for path in _SEARCH)))
        check(machine.call("PyInitConfig_SetStrList", config, at["module_search_paths"], len(_SEARCH), paths))
        check(machine.call("Py_InitializeFromInitConfig", config))
        machine.call("free", paths)
    machine.call("PyInitConfig_Free", config)


def _add_request(machine: Machine) -> None:
    """The module `_rlm_host` with the builtin `request`, whose C body is the machine's. Its name and its PyMethodDef
    live as long as the guest."""
    name = machine.call("malloc", 24)
    machine.memory.write(name, b"request\0")
    machine.memory.write(name + 8, struct.pack("<4I", name, machine.request, _METH_O, 0))
    function = _checked(machine, machine.call("PyCMethod_New", name + 8, 0, 0, 0))
    with c_string(machine, "_rlm_host") as module, c_string(machine, "request") as attribute:
        home = machine.call("PyImport_AddModule", module)
        machine.call("PyObject_SetAttrString", home, attribute, function)


def _checked(machine: Machine, value: int) -> int:
    if not value:
        machine.call("PyErr_Print")
        raise RuntimeError("the guest's driver fails; its traceback is in the machine's output")
    return value


@contextmanager
def c_strings(machine: Machine, texts: list[str]) -> Generator[dict[str, int]]:
    """Addresses of NUL-terminated copies, freed at the end."""
    joined = "\0".join(texts)
    with c_string(machine, joined) as start:
        addresses: dict[str, int] = {}
        for text in texts:
            addresses[text] = start
            start += len(text.encode()) + 1
        yield addresses
