"""The pool: a process with everything ready, which forks a process for each session, one ahead of demand."""

import json
import os
import socket
import subprocess
import threading
import weakref
from dataclasses import asdict
from types import TracebackType
from typing import NamedTuple, Self

from rlm_sandbox.child import start_zygote
from rlm_sandbox.errors import SandboxError
from rlm_sandbox.image import Image
from rlm_sandbox.limits import Limits
from rlm_sandbox.protocol import Channel, Gone, Kind, Late, connection

_START_TIMEOUT = 120.0
_END_TIMEOUT = 5.0
_LONGEST = 1 << 20  # bytes of a traceback


class Line(NamedTuple):
    """A connection to a sandbox process, and the memory file to which the process writes errors."""

    channel: Channel
    log: int

    def obituary(self, last_word: Exception) -> str:
        """What is known about the end of the process, with the last part of its log."""
        size = os.fstat(self.log).st_size
        logged = os.pread(self.log, 4096, max(0, size - 4096)).decode("utf-8", "replace").strip()
        return "\n".join(part for part in ("the sandbox process is gone", str(last_word), logged) if part)

    def close(self) -> None:
        """Hang up; the zygote then kills the process at the other end."""
        self.channel.close()
        os.close(self.log)


class Pool:
    """A warm sandbox: `Session(pool)` takes a millisecond and gets a process that no other session has used.

    A pool can be used from several threads. Closing it ends its sessions. If its process dies, its sessions end, and
    the next session starts a new process.

    Args:
        ahead: keep the process of the next session ready, which a pool of a single session does not need.

    Raises:
        SandboxError: the process does not start.
    """

    def __init__(self, image: Image, *, ahead: bool = True) -> None:
        where = {"folder": str(image.folder), "anchors": asdict(image.anchors), "stamps": dict(image.stamps)}
        self._image = json.dumps(where).encode()
        self._lock = threading.Lock()
        self._ahead = ahead
        self._ready: list[Line] = []
        self._start()

    def open(self, limits: Limits) -> Line:
        """A connection to a new worker. Raises SandboxError if none starts, or the pool is closed."""
        order = json.dumps(asdict(limits)).encode()
        try:
            return self._open(order)
        except SandboxError:
            return self._open(order)  # the process may just have died

    def close(self) -> None:
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        line, theirs = _new_line()
        with theirs:
            process = start_zygote(theirs.fileno(), line.log)
        self._control = line.channel
        self._end = weakref.finalize(self, _end, process, line, self._ready)
        try:
            line.channel.send(Kind.IMAGE, self._image)
            line.channel.expect(Kind.READY, _LONGEST, _START_TIMEOUT)
            if self._ahead:
                self._ready.append(self._order())
        except (Gone, Late) as error:
            reason = line.obituary(error)
            self._end()
            raise SandboxError(f"the sandbox does not start: {reason}") from None

    def _open(self, order: bytes) -> Line:
        line = self._take()
        try:
            line.channel.send(Kind.LIMITS, order)
            line.channel.expect(Kind.READY, _LONGEST, _START_TIMEOUT)
        except (Gone, Late) as error:
            reason = line.obituary(error)
            line.close()
            raise SandboxError(f"the session does not start: {reason}") from None
        except BaseException:
            line.close()
            raise
        return line

    def _take(self) -> Line:
        """A connection to a process that is waiting, or soon will be; orders the next one, too."""
        with self._lock:
            if not self._end.alive:
                raise SandboxError("the pool is closed")
            if self._control.has_more():  # it has nothing to say before it is used, so this is its end
                self._end()
                self._start()
            try:
                if self._ahead or not self._ready:
                    self._ready.append(self._order())
            except Gone as error:
                raise SandboxError(f"the session does not start: {error}") from None
            return self._ready.pop(0)

    def _order(self) -> Line:
        """Order a forked process. Raises Gone."""
        line, theirs = _new_line()
        try:
            with theirs:
                self._control.send(Kind.SESSION, b"", theirs.fileno(), line.log)
        except BaseException:
            line.close()
            raise
        return line


def _new_line() -> tuple[Line, socket.socket]:
    """A connection, and the other end of its socket."""
    channel, theirs = connection()
    return Line(channel, os.memfd_create("rlm-sandbox-log")), theirs


def _end(process: "subprocess.Popen[bytes]", line: Line, ready: list[Line]) -> None:
    for each in (*ready, line):
        each.close()
    ready.clear()
    try:
        process.wait(_END_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
