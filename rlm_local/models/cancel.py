"""Cancel: one handle by which a caller stops its calls, at once or at a deadline."""

import threading
import time
from collections.abc import Callable

from rlm_local.models.errors import Cancelled, DeadlineExceeded


class Cancel:
    """A thread-safe handle that may be cancelled once, or expires by itself.

    Args:
        deadline: when it expires, on the clock of `time.monotonic()`, in seconds; None for never.
    """

    def __init__(self, *, deadline: float | None = None) -> None:
        self.deadline = deadline
        self._lock = threading.Lock()
        self._cancelled = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called; a deadline that passed does not count."""
        return self._cancelled

    @property
    def remaining(self) -> float | None:
        """Seconds to the deadline, never below 0; None without a deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @property
    def stopped(self) -> bool:
        """Whether the work should stop: cancelled, or past the deadline."""
        return self._cancelled or self.remaining == 0.0

    def cancel(self) -> None:
        """Cancel. The callbacks run in this thread, each once."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when cancelled, at once if it already is; returns a function that takes it back."""
        with self._lock:
            pending = not self._cancelled
            if pending:
                self._callbacks.append(callback)
        if not pending:
            callback()

        def forget() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return forget

    def check(self) -> None:
        """Raise if the work should stop.

        Raises:
            Cancelled: it was cancelled.
            DeadlineExceeded: its deadline has passed.
        """
        if self._cancelled:
            raise Cancelled("cancelled")
        if self.remaining == 0.0:
            raise DeadlineExceeded("the deadline has passed", remedy="Allow more time or ask for less")
