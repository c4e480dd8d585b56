"""Threads: how many threads decode, depending on how much of the processors other programs leave.

llama.cpp's threads wait for each other in busy loops, some hundred times a decode. A thread that waits while the other
has no processor uses up its own turn, and has none later, while the other waits. So if other programs use the
processors, or a container gets fewer of them than it shows, two threads take many times as long as one.
"""

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

_WINDOW = 1.0  # seconds of decoding that are evaluated together
_TOO_LITTLE = 0.6  # the share of what its threads would use; with less, some wait for others
_ROUNDING = 0.3  # of a core
_PATIENCE = 2.0  # seconds of decoding before more threads are tried
_LONGEST = 64.0  # the same, if that was in vain again and again


class Threads:
    """Reduces the threads if this process gets less processor time than they would use; adds some if cores were idle.

    Args:
        most: the most threads, one for each core.
        least: the fewest threads.
        clock: the wall clock, in seconds.
        spent: processor time of this process, in seconds.
        idle: idle time of all processors together, in seconds; None if the system does not say. Then the number of
            threads is always `most`.

    Attributes:
        count: the number of threads for the next decode.
        varies: whether this number can change.
    """

    def __init__(
        self,
        most: int,
        *,
        least: int = 1,
        clock: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.process_time,
        idle: Callable[[], float | None] | None = None,
    ) -> None:
        self.count = most
        self._most, self._least = most, least
        self._clock, self._spent, self._idle = clock, spent, idle or idle_seconds
        self.varies = least < most and self._idle() is not None
        self._lock = threading.Lock()
        self._since: tuple[float, float, float] | None = None
        self._sums = (0.0, 0.0, 0.0)  # of clock, spent and idle, while decoding, since it was last looked at
        self._waited, self._patience = 0.0, _PATIENCE
        self._tried = False  # whether the last change was to more

    def begin(self) -> int:
        """Begin a decode; returns how many threads it should have."""
        with self._lock:
            self._since = self._now()
            return self.count

    def end(self) -> None:
        """End a decode."""
        with self._lock:
            self._look()
            self._since = None

    def too_many(self) -> bool:
        """Whether the running decode should begin again with fewer threads; called from another thread."""
        with self._lock:
            before = self.count
            if self._since is not None:
                self._look()
            return self.count < before

    def _now(self) -> tuple[float, float, float]:
        idle = self._idle() if self.varies and self.count < self._most else None  # a file that takes its time
        return self._clock(), self._spent(), idle or 0.0

    def _look(self) -> None:
        if not self.varies or self._since is None:
            return
        now = self._now()
        clock, spent, idle = (
            total + after - before for total, before, after in zip(self._sums, self._since, now, strict=True)
        )
        self._since, self._sums = now, (clock, spent, idle)
        if clock < _WINDOW:
            return
        self._sums = (0.0, 0.0, 0.0)
        self._waited += clock
        had = spent / clock
        if self.count > self._least and had < _TOO_LITTLE * self.count:
            self._patience = min(2 * self._patience, _LONGEST) if self._tried else _PATIENCE
            self._change(max(self._least, int(had + _ROUNDING)))
            return
        self._tried = False
        if self.count < self._most and self._waited >= self._patience:
            self._change(min(self._most, self.count + int(idle / clock + _ROUNDING)))

    def _change(self, count: int) -> None:
        if count != self.count:
            self._tried = count > self.count
            self.count, self._waited = count, 0.0
            self._since = self._now()  # idle seconds are counted from here on, or no more


class Watch:
    """Watches running decodes, from a thread of its own.

    Args:
        stop: called with True to end a decode that has too many threads, and with False when it is over.
    """

    def __init__(self, threads: Threads, stop: Callable[[bool], None]) -> None:
        self._threads = threads
        self._stop = stop
        self._running = threading.Event()
        self._closed = threading.Event()
        if threads.varies:
            threading.Thread(target=self._look, name="watch", daemon=True).start()

    @contextmanager
    def decoding(self) -> Generator[int]:
        """Watch a decode inside the `with` block; gives how many threads it should have."""
        count = self._threads.begin()
        self._running.set()
        try:
            yield count
        finally:
            self._running.clear()
            self._threads.end()
            self._stop(False)

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()
        self._running.set()

    def _look(self) -> None:
        while self._running.wait() and not self._closed.wait(_WINDOW):
            if self._running.is_set() and self._threads.too_many():
                self._stop(True)


def idle_seconds() -> float | None:
    """Idle time of all processors together since the system started, in seconds; None if the system does not say."""
    try:
        with Path("/proc/stat").open() as file:
            return int(file.readline().split()[4]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
