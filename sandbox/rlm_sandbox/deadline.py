"""Stopping a cell in two steps: an interrupt that Python code sees, then the end of the instance.

A ticker (the worker's main thread) raises Wasmtime's epoch some fifty times a second while a cell runs; at each tick
the guest's own thread looks at the clock. Time inside host calls is not the guest's: `paused`.
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
        self._seconds = self._grace = float("inf")
        self._pending = False
        self.interrupted = False
        """Whether the soft limit was reached in the present or latest run."""
        self.expired = False
        """Whether the hard limit was reached: the instance is lost."""

    @contextmanager
    def running(self, seconds: float, grace: float) -> Generator[None]:
        """Interrupt the guest after `seconds`, end it `grace` seconds later."""
        self._started, self._outside = time.monotonic(), 0.0
        self._seconds, self._grace = seconds, grace
        self._pending = self.interrupted = False
        try:
            yield
        finally:
            self._seconds, self._pending = float("inf"), False

    @contextmanager
    def paused(self) -> Generator[None]:
        before = time.monotonic()
        try:
            yield
        finally:
            self._outside += time.monotonic() - before

    @property
    def used(self) -> float:
        """Seconds of guest time since the run began."""
        return time.monotonic() - self._started - self._outside

    def check(self) -> None:
        """Look at the clock. Raises TimeUp past the hard limit."""
        over = self.used - self._seconds
        if over > self._grace:
            self.expired = True
            raise TimeUp
        if over > 0 and not self.interrupted:
            self.interrupted = self._pending = True
            self._request_interrupt()

    def on_tick(self) -> bool:
        """`check` for callers that cannot take exceptions: false past the hard limit."""
        try:
            self.check()
        except TimeUp:
            return False
        return True

    def pending(self) -> bool:
        return self._pending

    def take(self) -> bool:
        """Whether an interrupt waits; it is delivered once."""
        taken, self._pending = self._pending, False
        return taken
