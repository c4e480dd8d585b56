"""CPython in a machine, through its C API: texts in and out, cells, and the guest's builtin that calls the host."""

import json
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

from rlm_sandbox.errors import TextTooLarge
from rlm_sandbox.machine import Machine
from rlm_sandbox.text import Layout, layout_of

_LONGEST_REPORT = 32 << 20


@dataclass(frozen=True)
class Anchors:
    """Guest addresses that the snapshot keeps: two functions of the driver, `__main__`'s dict, four spare bytes; and
    the table slots that its function pointers refer to."""

    run: int
    refresh: int
    main: int
    scratch: int
    trampoline: int
    request: int


@dataclass(frozen=True)
class Failure:
    """How a cell failed: the traceback, and which limit it shows by the driver's account ("interrupt", "memory" or
    "host_calls"), if any."""

    traceback: str
    stop: str | None


class Interpreter:
    def __init__(self, machine: Machine, anchors: Anchors) -> None:
        if (machine.trampoline, machine.request) != (anchors.trampoline, anchors.request):
            raise ValueError("the snapshot was made with other function slots")
        self.machine, self.anchors = machine, anchors

    def refresh(self) -> None:
        """Once after a restore: give the guest its own randomness."""
        self._release(self.machine.call("PyObject_CallNoArgs", self.anchors.refresh))

    def set_text(self, name: str, layout: Layout, length: int, pieces: Iterable[bytes | memoryview]) -> None:
        """Bind a name of `__main__` to a new str. Raises TextTooLarge."""
        value = self.new_text(layout, length, pieces)
        if not value:
            self.machine.call("PyErr_Clear")
            raise TextTooLarge(f"the sandbox has no room for {length * layout.width:,} bytes of {name!r}")
        with c_string(self.machine, name) as key:
            self.machine.call("PyDict_SetItemString", self.anchors.main, key, value)
        self._release(value)

    def run(self, source: str) -> Failure | None:
        """Run one cell in `__main__`."""
        machine = self.machine
        failure = Failure("MemoryError: no memory is left to run the cell\n", "memory")
        if argument := self.new_text(layout_of(source), len(source), layout_of(source).encode(source)):
            result = machine.call("PyObject_CallOneArg", self.anchors.run, argument)
            self._release(argument)
            if result:
                failure = self._failure(result)
            elif not self._raised("PyExc_MemoryError"):
                failure = Failure("KeyboardInterrupt\n", "interrupt")
            self._release(result)
        machine.call("PyErr_Clear")
        if machine.deadline.interrupted:
            machine.withdraw_interrupt()
            if machine.call("PyErr_CheckSignals"):  # it came too late for this cell, and is not meant for the next
                machine.call("PyErr_Clear")
        return failure

    def new_text(self, layout: Layout, length: int, pieces: Iterable[bytes | memoryview]) -> int:
        """A new guest str of `length` characters, its data written straight into the object; 0 with MemoryError set
        where there is no room."""
        machine = self.machine
        if length == 1:  # such strings are shared: never written into
            data = b"".join(pieces)
            return machine.call("PyUnicode_FromOrdinal", int.from_bytes(data, "little"))
        value = machine.call("PyUnicode_New", length, layout.largest)
        if value and length:
            at = value + layout.offset
            for piece in pieces:
                machine.memory.write(at, piece)
                at += len(piece)
        return value

    def read_text(self, value: int) -> memoryview | None:
        """A guest str as UTF-8, where it lies; None for another object or lone surrogates."""
        data = self.machine.call("PyUnicode_AsUTF8AndSize", value, self.anchors.scratch)
        if not data:
            self.machine.call("PyErr_Clear")
            return None
        return self.machine.memory.view(data, self.machine.memory.u32(self.anchors.scratch))

    def answer(self, argument: int, forward: Callable[[memoryview], bytes]) -> int:
        """The body of the builtin `request(text)`: the guest's text to `forward`, whose reply (ASCII) is the result."""
        text = self.read_text(argument)
        if text is None:
            with c_string(self.machine, "request() takes a str without lone surrogates") as message:
                kind = self.machine.memory.u32(self.machine.address("PyExc_TypeError"))
                self.machine.call("PyErr_SetString", kind, message)
            return 0
        with self.machine.deadline.paused():
            reply = forward(text)
        return self.new_text(Layout.ASCII, len(reply), [reply])

    def _failure(self, result: int) -> Failure | None:
        """What the driver reports. The guest may have tampered with it: then the report is only ever a wrong one."""
        if result == self.machine.address("_Py_NoneStruct"):
            return None
        report = self.read_text(result)
        try:
            if report is None or len(report) > _LONGEST_REPORT:
                raise ValueError
            traceback, stop = json.loads(bytes(report))
        except (ValueError, TypeError, RecursionError):
            return Failure("the cell's report cannot be read: it has changed the session's own functions\n", None)
        return Failure(str(traceback), stop if isinstance(stop, str) else None)

    def _raised(self, exception: str) -> bool:
        return bool(
            self.machine.call("PyErr_ExceptionMatches", self.machine.memory.u32(self.machine.address(exception)))
        )

    def _release(self, value: int) -> None:
        if value:
            self.machine.call("Py_DecRef", value)


@contextmanager
def c_string(machine: Machine, text: str) -> Generator[int]:
    """The address of a NUL-terminated copy, freed at the end."""
    raw = text.encode() + b"\0"
    address = machine.call("malloc", len(raw))
    if not address:
        raise MemoryError("the guest's memory is full")
    try:
        machine.memory.write(address, raw)
        yield address
    finally:
        machine.call("free", address)
