"""Imports on the process: its end, environment, randomness, and waiting."""

import os
import time
from typing import NoReturn, Protocol

from rlm_sandbox.imports import Imports, implements
from rlm_sandbox.memory import GuestMemory
from rlm_sandbox.syserr import Errno, SysError
from rlm_sandbox.vfs import FileSystem

_ENVIRONMENT = (b"HOME=/home/user\0", b"LANG=C.UTF-8\0", b"PATH=/\0", b"USER=user\0")
_SIGINT = 2
USER = 1000
_POLL_IN, _POLL_OUT, _POLL_INVALID = 1, 4, 0x20
_POLL_ANYWAY = 0x38  # error, hang-up and invalid are reported unasked
_MOST_POLLED = 256
_MOST_RANDOM = 1 << 16
_LONGEST_WAIT = 0.02


class GuestExit(Exception):  # noqa: N818 - ends the session, named for what happened
    """The guest ended its process: exit, abort, or a failed assertion."""


class Interrupts(Protocol):
    """Who tells the guest to stop (the `Deadline`)."""

    def pending(self) -> bool:
        """Whether an interrupt waits to be taken."""
        ...

    def take(self) -> bool:
        """Whether an interrupt waited; it does no longer."""
        ...


class Process(Imports):
    def __init__(self, memory: GuestMemory, files: FileSystem, interrupts: Interrupts) -> None:
        self.memory, self.files, self.interrupts = memory, files, interrupts

    @implements("exit", "proc_exit")
    def exit(self, status: int) -> NoReturn:
        """Ends the session."""
        raise GuestExit(f"exit({status})")

    @implements("_abort_js")
    def abort(self) -> NoReturn:
        """Ends the session."""
        raise GuestExit("abort()")

    @implements("__assert_fail")
    def assertion_failed(self, condition: int, file: int, line: int, _function: int) -> NoReturn:
        """Ends the session: the condition and the file are NUL-terminated."""
        raise GuestExit(f"assertion {self.memory.text(condition)} failed at {self.memory.text(file)}:{line}")

    @implements("environ_sizes_get")
    def environment_sizes(self, count: int, size: int) -> int:
        """How many variables, and their bytes with a NUL after each, as u32."""
        self.memory.set_u32(count, len(_ENVIRONMENT))
        self.memory.set_u32(size, sum(map(len, _ENVIRONMENT)))
        return 0

    @implements("environ_get")
    def environment(self, pointers: int, buffer: int) -> int:
        """Their addresses, u32 each, and the text itself, as `environ_sizes_get` has told."""
        for index, entry in enumerate(_ENVIRONMENT):
            self.memory.write(buffer, entry)
            self.memory.set_u32(pointers + 4 * index, buffer)
            buffer += len(entry)
        return 0

    @implements("_emscripten_get_progname")
    def program_name(self, result: int, size: int) -> None:
        """At most `size` bytes, NUL among them."""
        if size > 0:
            self.memory.write(result, b"python"[: size - 1] + b"\0")

    @implements("_Py_emscripten_runtime")
    def runtime(self) -> int:
        """The address of the name of JavaScript's runtime: none."""
        return 0

    @implements("__syscall_getuid32_js")
    def user(self) -> int:
        return USER

    @implements(
        "emscripten_runtime_keepalive_push",
        "emscripten_runtime_keepalive_pop",
        "_emscripten_runtime_keepalive_clear",
    )
    def keep_alive(self) -> None:
        """Whether JavaScript's runtime outlives `main`: there is neither."""

    @implements("_Py_CheckEmscriptenSignals_Helper")
    def signal(self) -> int:
        """The signal that CPython's evaluation loop shall raise: SIGINT once the soft limit has passed, else 0."""
        return _SIGINT if self.interrupts.take() else 0

    @implements("random_get")
    def random(self, result: int, size: int) -> int:
        """Bytes of the machine's own randomness."""
        if not 0 <= size <= _MOST_RANDOM:
            raise SysError(Errno.EINVAL)
        self.memory.write(result, os.urandom(size))
        return 0

    @implements("__syscall_poll")
    def poll(self, entries: int, count: int, timeout: int) -> int:
        """How many of the entries (descriptor i32, wanted i16, seen i16) are ready, which all that is open is.
        `timeout` is in milliseconds, negative for ever. With nothing to wait for this is a sleep (the guest's
        `time.sleep`), which an interrupt ends with EINTR."""
        if not 0 <= count <= _MOST_POLLED:
            raise SysError(Errno.EINVAL)
        ready = 0
        for index in range(count):
            descriptor, wanted = self.memory.unpack("<ih", entries + 8 * index)
            state = _POLL_IN | _POLL_OUT if descriptor in self.files.descriptors else _POLL_INVALID
            seen = state & (wanted | _POLL_ANYWAY)
            self.memory.pack("<h", entries + 8 * index + 6, seen)
            ready += bool(seen)
        end = float("inf") if timeout < 0 else time.monotonic() + timeout / 1000
        while not ready and (left := end - time.monotonic()) > 0:
            if self.interrupts.pending():
                raise SysError(Errno.EINTR)
            time.sleep(min(left, _LONGEST_WAIT))
        return ready
