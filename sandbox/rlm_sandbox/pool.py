"""Where sessions come from: a process with everything ready, which forks one for each."""

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
    """A sandbox process at the other end, and the memory file that it writes to where something is wrong."""

    channel: Channel
    log: int

    def obituary(self, last_word: Exception) -> str:
        """What is known of the end of the process, with the end of its log."""
        size = os.fstat(self.log).st_size
        logged = os.pread(self.log, 4096, max(0, size - 4096)).decode("utf-8", "replace").strip()
        return "\n".join(part for part in ("the sandbox process is gone", str(last_word), logged) if part)

    def close(self) -> None:
        """Hang up: the zygote then kills what is at the other end."""
        self.channel.close()
        os.close(self.log)


class Pool:
    """A warm sandbox: `Session(pool)` takes milliseconds, and gets a process that no other session has used.

    It serves several threads. Closing it ends its sessions. Should its process die, its sessions end with it, and the
    next one is given another.

    Raises:
        SandboxError: when the process does not start.
    """

    def __init__(self, image: Image) -> None:
        where = {"folder": str(image.folder), "anchors": asdict(image.anchors), "stamps": dict(image.stamps)}
        self._image = json.dumps(where).encode()
        self._lock = threading.Lock()
        self._start()

    def open(self, limits: Limits) -> Line:
        """A line to a new worker. Raises SandboxError when none starts, or the pool is closed."""
        order = json.dumps(asdict(limits)).encode()
        try:
            return self._open(order)
        except SandboxError:
            return self._open(order)  # the process may just have died

    def close(self) -> None:
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
        self._end = weakref.finalize(self, _end, process, line)
        try:
            line.channel.send(Kind.IMAGE, self._image)
            line.channel.expect(Kind.READY, _LONGEST, _START_TIMEOUT)
        except (Gone, Late) as error:
            reason = line.obituary(error)
            self._end()
            raise SandboxError(f"the sandbox does not start: {reason}") from None

    def _open(self, order: bytes) -> Line:
        line, theirs = _new_line()
        try:
            with self._lock, theirs:
                if not self._end.alive:
                    raise SandboxError("the pool is closed")
                if self._control.has_more():  # it has said all that it had to say: this is its end
                    self._end()
                    self._start()
                self._control.send(Kind.SESSION, order, theirs.fileno(), line.log)
            line.channel.expect(Kind.READY, _LONGEST, _START_TIMEOUT)
        except (Gone, Late) as error:
            reason = line.obituary(error)
            line.close()
            raise SandboxError(f"the session does not start: {reason}") from None
        except BaseException:
            line.close()
            raise
        return line


def _new_line() -> tuple[Line, socket.socket]:
    """A line, and the other end of its socket."""
    channel, theirs = connection()
    return Line(channel, os.memfd_create("rlm-sandbox-log")), theirs


def _end(process: "subprocess.Popen[bytes]", line: Line) -> None:
    line.close()
    try:
        process.wait(_END_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
