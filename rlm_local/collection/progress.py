"""Progress while a collection is brought up to date."""

import time
from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[["Step"], None]
"""Called while a collection is brought up to date."""


@dataclass(frozen=True)
class Step:
    """How many files and bytes of how many are done. `note` is something else to tell, such as a wait."""

    files: int = 0
    of_files: int = 0
    size: int = 0
    of_size: int = 0
    seconds: float = 0.0
    note: str = ""

    @property
    def rate(self) -> float:
        """Bytes per second."""
        return self.size / self.seconds if self.seconds else 0.0

    @property
    def fraction(self) -> float:
        return self.size / self.of_size if self.of_size else self.files / max(1, self.of_files)

    def __str__(self) -> str:
        if self.note:
            return self.note
        text = f"reading: {self.files:,} of {self.of_files:,} files, {_size(self.size)} of {_size(self.of_size)}"
        if self.size and self.size < self.of_size:
            left = (self.of_size - self.size) / self.rate if self.rate else 0.0
            text += f", {_size(self.rate)}/s, {_time(left)} left"
        return text


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000 or unit == "MB":
            return f"{size:,.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class Meter:
    """Counts what is done, and reports it."""

    def __init__(self, progress: Progress | None, files: int, size: int) -> None:
        self._progress, self._files, self._size = progress, files, size
        self._done = self._read = 0
        self._start = time.monotonic()

    def add(self, files: int, size: int) -> None:
        self._done += files
        self._read += size
        seconds = time.monotonic() - self._start
        self._tell(Step(self._done, self._files, self._read, self._size, seconds))

    def note(self, text: str) -> None:
        self._tell(Step(note=text))

    def _tell(self, step: Step) -> None:
        if self._progress is not None:
            self._progress(step)
