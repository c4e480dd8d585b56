"""Meter: what the decode thread has done, and what it spent beside llama.cpp."""

import time
from collections.abc import Generator
from contextlib import contextmanager


class Meter:
    """Counts of one scheduler. Read from any thread, written by the decode thread alone.

    Attributes:
        running: whether a decode is going on.
        decodes: how many there were.
        tokens: that they evaluated.
        decode_seconds: that they took, on the wall.
        own_seconds: of processor time that the decode thread spent between them.
    """

    def __init__(self) -> None:
        self.running = False
        self.decodes = 0
        self.tokens = 0
        self.decode_seconds = 0.0
        self.own_seconds = 0.0
        self._since = 0.0

    @contextmanager
    def decoding(self, tokens: int) -> Generator[None]:
        """Around each decode, in the decode thread."""
        before, started = time.thread_time(), time.monotonic()
        self.own_seconds += before - self._since
        self.running = True
        try:
            yield
        finally:
            self.running = False
            self.decodes += 1
            self.tokens += tokens
            self.decode_seconds += time.monotonic() - started
            self._since = time.thread_time()
