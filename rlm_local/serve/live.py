"""A job from its acceptance to its end, as those who follow it see it."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rlm_local.engine.answer import Answer
from rlm_local.engine.events import Event
from rlm_local.models import Cancel
from rlm_local.serve.errors import ServeError
from rlm_local.serve.jobs import Job

_KEPT = 20_000
_APART = 0.2
"""Seconds between two reports of how far along a batch is."""


@dataclass(frozen=True)
class Told:
    """Something that happened in a job; `id` counts from 1. `kind` is the engine's, or queued, started, ended, lost."""

    id: int
    kind: str
    data: dict[str, Any]


@dataclass
class Live:
    """All methods are for the event loop's thread.

    Attributes:
        began: when its request came, on the monotonic clock; its time runs from there.
        answer: once it has ended with one.
        error: once it has ended without.
    """

    job: Job
    began: float
    cancel: Cancel = field(init=False)
    state: Literal["queued", "running", "ended"] = "queued"
    answer: Answer | None = None
    error: ServeError | None = None
    _told: list[Told] = field(default_factory=list[Told])
    _count: int = 0
    _reported: float = 0.0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        timeout = self.job.options.get("timeout")
        self.cancel = Cancel(deadline=None if timeout is None else self.began + timeout)

    def take(self, event: Event) -> None:
        """What the engine says. Of reports how far along a batch is, a few a second are enough."""
        if event.fraction is not None and 0 < event.fraction < 1:
            if time.monotonic() - self._reported < _APART:
                return
            self._reported = time.monotonic()
        self.tell(event.kind, asdict(event))

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        self._count += 1
        self._told.append(Told(self._count, kind, data))
        if len(self._told) > 2 * _KEPT:
            del self._told[:_KEPT]
        self._changed.set()
        self._changed = asyncio.Event()

    def end(self, answer: Answer | None, error: ServeError | None) -> None:
        self.state, self.answer, self.error = "ended", answer, error
        failed = {"message": str(error), "code": error.code} if error else None
        self.tell("ended", {"answer": answer.data() if answer else None, "error": failed})

    async def follow(self, after: int = 0) -> AsyncIterator[Told]:
        """What was told after the event of that number, and what will be, to the end.

        Who is told `lost` has missed events that are not kept any more.
        """
        while True:
            changed = self._changed
            first = self._told[0].id if self._told else 1
            if after + 1 < first:
                yield Told(first - 1, "lost", {})
                after = first - 1
            fresh = self._told[after + 1 - first :]
            for told in fresh:
                after = told.id
                yield told
            if not fresh:
                if self.state == "ended":
                    return
                await changed.wait()


def how_ended(answer: Answer | None, error: ServeError | None) -> str:
    """How a job ended, in a word."""
    if answer:
        return str(answer.ended)
    return error.code if error and error.code in ("cancelled", "timeout") else "error"
