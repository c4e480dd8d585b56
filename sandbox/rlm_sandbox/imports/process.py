"""Imports on the process: its end, environment, randomness, and waiting."""

import os
import time
from typing import NoReturn, Protocol

from rlm_sandbox.imports import Table
from rlm_sandbox.memory import GuestMemory
from rlm_sandbox.syserr import Errno, SysError
from rlm_sandbox.vfs import FileSystem

_ENVIRONMENT = (b"HOME=/home/user\0", b"LANG=C.UTF-8\0", b"PATH=/\0", b"USER=user\0")
_SIGINT = 2
_POLL_IN, _POLL_OUT, _POLL_INVALID = 1, 4, 0x20
_POLL_ANYWAY = 0x38  # error, hang-up and invalid are reported unasked
_MOST_POLLED = 256
_MOST_RANDOM = 1 << 16
_LONGEST_WAIT = 0.02


class GuestExit(Exception):  # noqa: N818 - ends the session, named for what happened
    """The guest ended its process: exit, abort, or a failed assertion."""


class Interrupts(Protocol):
    """Who tells the guest to stop (the `Deadline`)."""

    def check(self) -> None:
        """Raises when the guest has no time left at all."""

    def pending(self) -> bool:
        """Whether an interrupt waits to be taken."""
        ...

    def take(self) -> bool:
        """Whether an interrupt waited; it does no longer."""
        ...


class Process:
    def __init__(self, memory: GuestMemory, files: FileSystem, interrupts: Interrupts) -> None:
        self.memory, self.files, self.interrupts = memory, files, interrupts

    def table(self) -> Table:
        return {
            "exit": self.exit,
            "proc_exit": self.exit,
            "_abort_js": self.abort,
            "__assert_fail": self.assertion_failed,
            "environ_sizes_get": self.environment_sizes,
            "environ_get": self.environment,
            "_emscripten_get_progname": self.program_name,
            "_Py_emscripten_runtime": lambda: 0,
            "_Py_CheckEmscriptenSignals_Helper": self.signal,
            "__syscall_getuid32_js": lambda: 1000,
            "emscripten_runtime_keepalive_push": lambda: None,
            "emscripten_runtime_keepalive_pop": lambda: None,
            "_emscripten_runtime_keepalive_clear": lambda: None,
            "random_get": self.random,
            "__syscall_poll": self.poll,
        }

    def exit(self, status: int) -> NoReturn:
        raise GuestExit(f"exit({status})")

    def abort(self) -> NoReturn:
        raise GuestExit("abort()")

    def assertion_failed(self, condition: int, file: int, line: int, _function: int) -> NoReturn:
        raise GuestExit(f"assertion {self.memory.text(condition)} failed at {self.memory.text(file)}:{line}")

    def environment_sizes(self, count: int, size: int) -> int:
        self.memory.set_u32(count, len(_ENVIRONMENT))
        self.memory.set_u32(size, sum(map(len, _ENVIRONMENT)))
        return 0

    def environment(self, pointers: int, buffer: int) -> int:
        for index, entry in enumerate(_ENVIRONMENT):
            self.memory.write(buffer, entry)
            self.memory.set_u32(pointers + 4 * index, buffer)
            buffer += len(entry)
        return 0

    def program_name(self, result: int, size: int) -> None:
        self.memory.write(result, b"python\0"[: max(0, size)])

    def signal(self) -> int:
        """The signal that CPython's evaluation loop shall raise: SIGINT once the soft limit has passed, else 0."""
        return _SIGINT if self.interrupts.take() else 0

    def random(self, result: int, size: int) -> int:
        if not 0 <= size <= _MOST_RANDOM:
            raise SysError(Errno.EINVAL)
        self.memory.write(result, os.urandom(size))
        return 0

    def poll(self, entries: int, count: int, timeout: int) -> int:
        """Milliseconds to wait, negative for ever. All that is open is ready; with nothing to wait for this is a
        sleep (the guest's `time.sleep`), which an interrupt ends with EINTR."""
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
            time.sleep(min(left, _LONGEST_WAIT))
            self.interrupts.check()
            if self.interrupts.pending():
                raise SysError(Errno.EINTR)
        return ready
