"""One instance of Pyodide's module with the host around it: store, memory, files, imports. Python comes on top."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import wasmtime

from rlm_sandbox import native
from rlm_sandbox.deadline import Deadline
from rlm_sandbox.imports import link
from rlm_sandbox.imports.clocks import Clocks
from rlm_sandbox.imports.files import Files
from rlm_sandbox.imports.heap import Heap
from rlm_sandbox.imports.process import Process
from rlm_sandbox.imports.refused import REFUSED
from rlm_sandbox.memory import GuestMemory
from rlm_sandbox.vfs import O_RDWR, FileSystem

LIBRARY = "/lib/python314.zip"
PACKAGES = "/lib/python3.14/site-packages"
_FOLDERS = ("/lib/python3.14/lib-dynload", PACKAGES, "/home/user", "/tmp", "/proc/self")  # noqa: S108 - the guest's

_I32 = wasmtime.ValType.i32()
_UNSIGNED = 0xFFFFFFFF
_WASM32 = 4 << 30
_OUTPUT = "/dev/stdout"


@dataclass(frozen=True)
class Program:
    """What to run: Pyodide's module, prepared or frozen, and CPython's helper for calls through mismatched function
    types, which Emscripten instantiates on the same memory and table."""

    engine: wasmtime.Engine
    module: wasmtime.Module
    trampoline: wasmtime.Module


def guest_files(library: bytes, modules: Mapping[str, bytes], *, most_bytes: int) -> FileSystem:
    """What a guest finds: the standard library's archive, its own modules (path -> source), empty folders."""
    files = FileSystem(time.time, most_bytes=most_bytes)
    for path in _FOLDERS:
        files.make_directories(path)
    files.add_file(LIBRARY, library)
    for name, source in modules.items():
        files.add_file(f"{PACKAGES}/{name}", source)
    return files


class Machine:
    """Close it before letting go of it.

    Args:
        files: the guest's file system; its standard streams are opened here.
        output: takes what the guest writes to stdout and stderr, in order.
        answer: the body of the guest's builtin `request`: takes and returns the address of a guest object.
    """

    def __init__(
        self,
        program: Program,
        files: FileSystem,
        output: Callable[[memoryview], None],
        answer: Callable[[int], int],
    ) -> None:
        self.files = files
        self.memory = GuestMemory()
        self.deadline = Deadline(self._request_interrupt)
        self.heap = Heap(self.memory, _WASM32)
        self.store = wasmtime.Store(program.engine)
        tables = (
            Files(self.memory, files).table(),
            Clocks(self.memory).table(),
            self.heap.table(),
            Process(self.memory, files, self.deadline).table(),
            REFUSED,
        )
        instance = link(program.engine, program.module, *tables).instantiate(self.store, program.module)
        self.exports = native.Exports(self.store, instance)
        memory, table = self.exports.memory("memory"), self.exports.table("__indirect_function_table")
        self.memory.attach(self.store, memory)
        # Looked up now: the thread that requests an interrupt is not the one that is in the store.
        self._interrupt = self.address("Py_EMSCRIPTEN_SIGNAL_HANDLING")
        helper = native.Exports(self.store, wasmtime.Instance(self.store, program.trampoline, [memory, table]))
        self.trampoline = table.grow(self.store, 1, helper.function("trampoline_call"))

        def request(_self: int, argument: int) -> int:
            return answer(argument)

        body = wasmtime.Func(self.store, wasmtime.FuncType([_I32, _I32], [_I32]), request)
        self.request = table.grow(self.store, 1, body)
        files.add_device("/dev/null", lambda _data: None)
        files.add_device(_OUTPUT, output)
        self.open_standard_streams()

    def limit_memory(self, size: int) -> None:
        """The most bytes that linear memory may grow to, by the guest's wish or the host's."""
        self.store.set_limits(memory_size=size)
        self.heap.limit = min(size, self.heap.limit)

    def open_standard_streams(self) -> None:
        """Put descriptors 0, 1 and 2 in place, whatever the guest has done with them."""
        for number, path in enumerate(("/dev/null", _OUTPUT, _OUTPUT)):
            descriptor = self.files.open(path, O_RDWR)
            if descriptor != number:
                self.files.place(self.files.get(descriptor), number)
                self.files.close(descriptor)

    def call(self, name: str, *arguments: int) -> int:
        """Call an exported function; the i32 result is unsigned, 0 where there is none.

        Raises wasmtime's Trap or WasmtimeError, or what an import raised: the instance is then lost."""
        return self.exports.call(name, *arguments)

    def address(self, name: str) -> int:
        """The address of an exported variable."""
        return self.exports.value(name) & _UNSIGNED

    def _request_interrupt(self) -> None:
        self.memory.set_u32(self._interrupt, 1)

    def withdraw_interrupt(self) -> None:
        self.memory.set_u32(self._interrupt, 0)

    def close(self) -> None:
        self.memory.release()
        self.store.close()
