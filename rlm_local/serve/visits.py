"""Visits: what is recorded of callers who come again and again, so often only that it does not fill the disk."""

import time
from collections.abc import Callable
from threading import Lock

from rlm_local.serve.access import Caller
from rlm_local.serve.audit import AuditLog

_AGAIN_SECONDS = 3600.0
"""After a login or a look was recorded, the same one has no line of its own."""

_REMEMBERED = 10_000
"""Logins and looks; of more, some have a line earlier than that."""

_MINUTE = 60.0
_REFUSALS = 10
"""Lines in a minute, whoever is refused."""


class Visits:
    """Safe to use from many threads.

    Args:
        now: seconds, on a clock that never goes back.

    Raises:
        StoreError: from every method: it could not be recorded. Then it must not be done.
    """

    def __init__(self, audit: AuditLog, now: Callable[[], float] = time.monotonic) -> None:
        self._audit = audit
        self._now = now
        self._recorded: dict[tuple[object, ...], float] = {}
        self._refusing = Lock()
        self._minute, self._lines, self._untold = -_MINUTE, 0, 0

    def log_in(self, caller: Caller) -> None:
        """A request with a key that opens something."""
        self._hourly(caller, "login", key=caller.owner, scopes=tuple(sorted(caller.scopes)))

    def list(self, caller: Caller) -> None:
        """A look at the questions and answers of all runs that the caller sees."""
        self._hourly(caller, "list")

    def read(self, caller: Caller, run_id: str) -> None:
        """A look into a run: its answer, tree, nodes, events or documents."""
        self._hourly(caller, "read", run=run_id)

    def refuse(self, key: str | None, address: str, code: str) -> None:
        """A request whose key opens nothing, or not that. Beyond ten in a minute they are only counted; the next line
        says how many there were.

        Args:
            key: the name of the one that was claimed, if there is one of that id.
        """
        with self._refusing:
            now = self._now()
            if now - self._minute >= _MINUTE:
                self._minute, self._lines = now, 0
            if self._lines < _REFUSALS:
                self._lines += 1
                self._tell(key=key, address=address, code=code)
            else:
                self._untold += 1

    def close(self) -> None:
        """Tells the refusals that were counted only."""
        with self._refusing:
            if self._untold:
                self._tell()

    def _tell(self, **details: object) -> None:
        self._audit.record("server", "refuse", **details, untold=self._untold)
        self._untold = 0

    def _hourly(self, caller: Caller, what: str, **details: object) -> None:
        visit, now = (caller.owner, what, *details.values()), self._now()
        if now - self._recorded.get(visit, -_AGAIN_SECONDS) < _AGAIN_SECONDS:
            return
        self._audit.record(caller.name, what, **details)
        if len(self._recorded) >= _REMEMBERED:
            self._recorded.clear()
        self._recorded[visit] = now
