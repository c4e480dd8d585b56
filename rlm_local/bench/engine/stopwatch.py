"""Stopwatch: how long something took, on the wall and by the processor."""

import time
from types import TracebackType
from typing import Self


class Stopwatch:
    """A context manager around what is timed.

    Attributes:
        wall: seconds.
        processor: seconds of all threads of this process together.
        caller: of those, the ones of the thread that looks on.
    """

    wall = processor = caller = 0.0

    def __enter__(self) -> Self:
        self._before = time.perf_counter(), time.process_time(), time.thread_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wall, processor, caller = self._before
        self.wall = time.perf_counter() - wall
        self.processor = time.process_time() - processor
        self.caller = time.thread_time() - caller
