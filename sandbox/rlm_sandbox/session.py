"""A session: a REPL for model-written Python, in a worker process of its own."""

import inspect
import json
import os
import stat
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from rlm_sandbox.errors import HostCallRefused, MountRefused, SessionBusy, SessionClosed, TextLost, TextTooLarge
from rlm_sandbox.image import Image
from rlm_sandbox.limits import CellResult, Limits, Stopped
from rlm_sandbox.pool import Line, Pool
from rlm_sandbox.protocol import Gone, Kind, Late, refusal
from rlm_sandbox.text import layout_of

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
HostCalls = Mapping[str, Callable[..., Any]]

_MARGIN = 10.0  # seconds that a worker may be late, on a busy machine, before it is killed
_NO_CALLS: HostCalls = MappingProxyType({})
_DEFAULT_LIMITS = Limits()


class Session:
    """A REPL whose variables persist from cell to cell. Use it from one thread at a time, except for `kill`.

    Args:
        source: a `Pool`; or an image, which makes a pool for this session alone.
        limits: the limits of this session.
        host_calls: what the guest can call, by `rlm_host.call(name, **arguments)`. A function gets arguments parsed
            from JSON, and returns a value for JSON. It runs in the thread that called `run`. If it raises
            HostCallRefused, the guest sees that; any other exception ends the session and is raised by `run`.

    Raises:
        SandboxError: when the worker does not start.
    """

    def __init__(
        self, source: Image | Pool, *, limits: Limits = _DEFAULT_LIMITS, host_calls: HostCalls = _NO_CALLS
    ) -> None:
        self.limits = limits
        self._functions = {name: (function, inspect.signature(function)) for name, function in host_calls.items()}
        self._using = threading.Lock()
        self._killed = False
        self.alive = True
        pool = source if isinstance(source, Pool) else Pool(source, ahead=False)
        own = None if pool is source else pool
        try:
            self._line = pool.open(limits)
        except BaseException:
            if own:
                own.close()
            raise
        self._channel = self._line.channel
        self._release = weakref.finalize(self, _release, self._line, own)

    def set_text(self, name: str, text: str) -> None:
        """Bind `name` in the guest's `__main__` to `text`, however large, with one copy in the guest's memory.

        Raises:
            ValueError: `name` is not an identifier.
            TextTooLarge: the memory limit leaves no room; the session continues.
            TextLost: the finaliser of the name's old value did not end, or the process died; the session continues as
                it was before.
            SessionClosed: the session has ended, or ended now.
        """
        if not name.isidentifier():
            raise ValueError(f"{name!r} is no name for a variable")
        layout = layout_of(text)
        size = len(text) * layout.width
        if size > self.limits.memory_bytes:
            raise TextTooLarge(f"{name!r} takes {size:,} bytes, the sandbox has {self.limits.memory_bytes:,}")
        with self._use(), _sealed(layout.encode(text)) as descriptor:
            header = {"name": name, "layout": layout.name, "length": len(text)}
            reply = self._place(Kind.TEXT, header, descriptor)
        if "lost" in reply:
            raise TextLost(reply["lost"])
        if "too_large" in reply:
            raise TextTooLarge(reply["too_large"])

    def mount(self, path: str, file: Path | int) -> None:
        """Show a file of the host to the guest, read-only. Only what the guest reads is read, when it reads it.

        For the guest, the file keeps its present size; if it is shortened meanwhile, reading beyond its end is an
        OSError in the guest.

        Args:
            path: where the guest finds the file; absolute.
            file: the path of the file, or a descriptor, which stays the caller's.

        Raises:
            ValueError: `path` is not absolute, or `file` is not a regular file.
            OSError: it cannot be opened.
            MountRefused: the guest's path is taken, or there are too many files; the session continues.
            SessionClosed: the session has ended, or ended now.
        """
        if not path.startswith("/"):
            raise ValueError(f"{path!r} is no absolute path")
        # A descriptor is opened again, because the sandbox's may only read, whatever the caller's may do.
        source = f"/proc/self/fd/{file}" if isinstance(file, int) else file
        with self._use(), _opened(source) as descriptor:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{file} is no regular file")
            header = {"path": path, "size": status.st_size}
            reply = self._place(Kind.MOUNT, header, descriptor)
        if "refused" in reply:
            raise MountRefused(reply["refused"])

    def run(self, code: str) -> CellResult:
        """Run one cell; the repr of its last expression is printed, as in a notebook.

        What goes wrong in the cell is in the result. If the cell crashed Python, did not stop, or took its process
        down, the session continues as it was before the cell, except for what host calls did. If the session is killed
        or lost meanwhile, the result says so, and `alive` is false from then on.

        Raises:
            SessionClosed: the session had ended before.
            SessionBusy: another thread, or a host function of a running cell, uses the session.
            Exception: what a host function raised, except HostCallRefused; the session has then ended.
        """
        with self._use():
            started = time.monotonic()
            try:
                self._channel.send(Kind.CODE, code.encode("utf-8", "surrogatepass"))
                reply = self._serve_calls()
            except Gone as gone:
                stopped: Stopped = "killed" if self._killed else "worker"
                return CellResult("", self._end(gone) + "\n", stopped, time.monotonic() - started)
            except Late:
                self.alive = False
                error = f"the sandbox did not answer in time and was ended; a cell may take {self.limits.seconds:g} s\n"
                return CellResult("", error, "time", time.monotonic() - started)
            except BaseException:
                self.alive = False
                raise
            return CellResult(**reply)

    def kill(self) -> None:
        """End the session at once, from any thread. A running `run` returns a result with `stopped` "killed"; if it is
        in a host function, once that returns."""
        self._killed = True
        self.alive = False
        self._channel.hang_up()

    def close(self) -> None:
        """End the session and its process; if it is in use, as soon as it is not."""
        self.kill()
        if self._using.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._using.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _patience(self) -> float:
        return self.limits.seconds + self.limits.grace_seconds + _MARGIN

    @contextmanager
    def _use(self) -> Generator[None]:
        if not self._using.acquire(blocking=False):
            raise SessionBusy("this session is running a cell")
        try:
            if not self.alive:
                raise SessionClosed("the session has ended")
            yield
        finally:
            if not self.alive:
                self._release()
            self._using.release()

    @property
    def _longest(self) -> int:
        # JSON may write a character as \\uXXXX, and a result holds the output and the traceback.
        return max(self.limits.host_call_bytes, 16 * self.limits.output_bytes) + (1 << 20)

    def _place(self, kind: Kind, header: dict[str, Any], descriptor: int) -> dict[str, str]:
        """Hand over a descriptor, and return the worker's answer."""
        try:
            self._channel.send(kind, json.dumps(header).encode(), descriptor)
            return json.loads(self._channel.expect(Kind.PLACED, self._longest, self._patience))
        except (Gone, Late) as error:
            raise SessionClosed(self._end(error)) from None

    def _serve_calls(self) -> dict[str, Any]:
        """Answer the cell's host calls until the result comes."""
        while True:
            frame = self._channel.receive(self._longest, self._patience)
            if frame.kind == Kind.RESULT:
                return json.loads(frame.payload)
            if frame.kind != Kind.CALL:
                raise Gone(f"an answer of kind {frame.kind}")
            self._channel.send(Kind.REPLY, self._answer(frame.payload))

    def _answer(self, payload: bytes) -> bytes:
        """Call the function that the guest asks for. If the guest made a mistake, the reply says so."""
        try:
            request = json.loads(payload)
            name, arguments = request["name"], request["arguments"]
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            return refusal("arguments", f"a host call is JSON with a name and arguments: {error!r}")
        if not isinstance(name, str) or name not in self._functions:
            return refusal("refused", f"there is no host function {name!r}; there are: {', '.join(self._functions)}")
        function, signature = self._functions[name]
        try:
            signature.bind(**arguments)
        except TypeError as error:
            return refusal("arguments", f"{name}(): {error}")
        try:
            value = function(**arguments)
        except HostCallRefused as error:
            return refusal("refused", str(error))
        reply = json.dumps({"value": value}).encode()
        if len(reply) > self.limits.host_call_bytes:
            most = f"a host call may carry {self.limits.host_call_bytes:,} bytes"
            return refusal("refused", f"{most}, not the {len(reply):,} that {name}() answers")
        return reply

    def _end(self, reason: Exception) -> str:
        """End what is left of the session, and return how it ended."""
        self.alive = False
        return "the session was killed" if self._killed else self._line.obituary(reason)


def _release(line: Line, pool: Pool | None) -> None:
    line.close()
    if pool:
        pool.close()


@contextmanager
def _opened(file: Path | str) -> Generator[int]:
    """A descriptor for reading the file."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # opening a pipe would block otherwise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _sealed(pieces: Iterator[bytes]) -> Generator[int]:
    """A descriptor of sealed memory with the pieces, which nobody can change any more."""
    descriptor = os.memfd_create("rlm-sandbox-text", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    try:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[os.write(descriptor, view) :]
        fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
        yield descriptor
    finally:
        os.close(descriptor)
