"""Stopping a cell in two steps: an interrupt that Python code sees, then the end of the process that runs it.

While a cell runs, the thread that waits for it looks at the clock some fifty times a second. Time inside host calls is
not the guest's: `paused`. There are two threads, the guest's and the one that looks; each field has one that writes it.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

TICK = 0.02
"""Seconds between looks at the clock."""


class TimeUp(Exception):  # noqa: N818 - ends the session, named for what happened
    """The guest did not stop when interrupted."""


class Deadline:
    """`request_interrupt` makes CPython's evaluation loop ask the host for a signal."""

    def __init__(self, request_interrupt: Callable[[], None]) -> None:
        self._request_interrupt = request_interrupt
        self._started = self._outside = 0.0
        self._left: float | None = None
        self._seconds = self._grace = float("inf")
        self._taken = False
        self.interrupted = False
        """Whether the soft limit was reached in the present or latest run."""

    @contextmanager
    def running(self, seconds: float, grace: float) -> Generator[None]:
        """Interrupt the guest after `seconds`, give it up `grace` seconds later."""
        self._started, self._outside = time.monotonic(), 0.0
        self._seconds, self._grace = seconds, grace
        self._taken = self.interrupted = False
        try:
            yield
        finally:
            self._seconds = float("inf")

    @contextmanager
    def paused(self) -> Generator[None]:
        self._left = left = time.monotonic()
        try:
            yield
        finally:
            self._outside += time.monotonic() - left  # before the next line: between the two it counts twice, not never
            self._left = None

    @property
    def used(self) -> float:
        """Seconds of guest time since the run began."""
        return (self._left or time.monotonic()) - self._started - self._outside

    def check(self) -> None:
        """Look at the clock. Raises TimeUp past the hard limit."""
        over = self.used - self._seconds
        if over > self._grace:
            raise TimeUp
        if over > 0 and not self.interrupted:
            self.interrupted = True
            self._request_interrupt()

    def pending(self) -> bool:
        """Whether an interrupt waits to be taken."""
        return self.interrupted and not self._taken

    def take(self) -> bool:
        """Whether an interrupt waits; it is delivered once."""
        pending = self.pending()
        self._taken |= pending
        return pending
