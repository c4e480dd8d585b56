"""The desk: where questions wait, who is next, and what is under way.

Keys take turns, so that one that asks a hundred questions does not keep the others waiting. All methods are for the
event loop's thread; the engine works in threads of its own.
"""

import asyncio
import logging
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

from rlm_local.engine.answer import Answer
from rlm_local.engine.events import Event, Listener
from rlm_local.errors import StoreError
from rlm_local.models import Cancelled, DeadlineExceeded
from rlm_local.serve.errors import BusyError, NotReadyError, ServeError, as_serve_error
from rlm_local.serve.jobs import Job, JobBook
from rlm_local.serve.live import Live, how_ended
from rlm_local.serve.metrics import Metrics
from rlm_local.serve.settings import Settings

_REMEMBERED = 200
"""Jobs that ended, whose events can still be followed."""

_logger = logging.getLogger(__name__)


class Work(Protocol):
    """Answers a job, in a thread; what it raises ends the job without an answer."""

    def __call__(self, live: Live, listener: Listener) -> Answer: ...


class Desk:
    """The queue of a server."""

    def __init__(self, settings: Settings, book: JobBook, metrics: Metrics, work: Work) -> None:
        self._settings = settings
        self._book = book
        self._metrics = metrics
        self._work = work
        self._waiting: OrderedDict[str, deque[Live]] = OrderedDict()
        self._running: dict[str, Live] = {}
        self._ended: OrderedDict[str, Live] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(settings.at_once, thread_name_prefix="rlm-local-run")
        self._arriving: Counter[str] = Counter()
        self.closing = False

    @property
    def under_way(self) -> list[Live]:
        """What runs, then what waits, in the order in which it will."""
        queue = [list(lives) for lives in self._waiting.values()]
        turns = [lives[turn] for turn in range(max(map(len, queue), default=0)) for lives in queue if turn < len(lives)]
        return [*self._running.values(), *turns]

    @contextmanager
    def place(self, owner: str) -> Generator[None]:
        """A place for one more question of that owner, held until it is submitted or comes to nothing.

        Raises:
            BusyError: the queue is full, or the owner's share of it. NotReadyError: the server is going down.
        """
        if self.closing:
            raise NotReadyError("the server is going down", remedy="Ask again when it is up", code="closing")
        owners = Counter(live.job.owner for live in self.under_way) + self._arriving
        if owners.total() >= self._settings.at_once + self._settings.queue:
            raise BusyError(
                f"{owners.total()} runs are under way or waiting", remedy="Try again later", code="queue_full"
            )
        if owners[owner] >= self._settings.per_key:
            raise BusyError(
                f"this key has {owners[owner]} runs under way or waiting",
                remedy="Wait for one of them",
                code="key_limit",
            )
        self._arriving[owner] += 1
        try:
            yield
        finally:
            self._arriving[owner] -= 1

    def submit(self, job: Job, began: float) -> Live:
        """Takes a job that has a place; it starts when its turn comes.

        Args:
            began: when its request came, on the monotonic clock.
        """
        live = Live(job, began)
        self._waiting.setdefault(job.owner, deque()).append(live)
        live.tell("queued", {"run_id": job.run_id, "ahead": len(self.under_way) - 1})
        self._metrics.first_event.observe(time.monotonic() - live.began)
        self._next()
        return live

    def find(self, run_id: str) -> Live | None:
        """A job that is under way or ended a short time ago."""
        if run_id in self._running:
            return self._running[run_id]
        waiting = (live for lives in self._waiting.values() for live in lives if live.job.run_id == run_id)
        return next(waiting, None) or self._ended.get(run_id)

    def forget(self, runs: Iterable[str]) -> None:
        """Jobs that ended are not remembered any more: they were deleted."""
        for run in runs:
            self._ended.pop(run, None)

    def cancel(self, live: Live) -> None:
        """Stops a job: where it waits, as soon as that is on the disk, else with its best answer so far."""
        live.cancel.cancel()
        lives = self._waiting.get(live.job.owner, deque())
        if live in lives:
            lives.remove(live)
            self._running[live.job.run_id] = live  # until its end is on the disk
            self._start(self._finish(live, None, ServeError("cancelled before it began", code="cancelled")))

    async def close(self, grace_seconds: float, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """Takes no more, gives what is under way time to end, cancels what is left, and waits for that.

        Args:
            hurry: says that there is no time any more.
        """
        self.closing = True
        deadline = time.monotonic() + grace_seconds
        while self.under_way and time.monotonic() < deadline and not hurry():
            await asyncio.sleep(0.05)
        for live in self.under_way:
            self.cancel(live)
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._threads.shutdown(wait=False)

    def _next(self) -> None:
        while self._waiting and len(self._running) < self._settings.at_once:
            owner, lives = self._waiting.popitem(last=False)
            if not lives:
                continue
            live = lives.popleft()
            if lives:
                self._waiting[owner] = lives  # behind the other owners
            self._running[live.job.run_id] = live
            self._start(self._run(live))
        self._count()

    def _start(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, live: Live) -> None:
        live.state = "running"
        live.tell("started", {"run_id": live.job.run_id})
        loop = asyncio.get_running_loop()

        def listener(event: Event) -> None:
            loop.call_soon_threadsafe(live.take, event)

        answer, error = None, None
        try:
            answer = await loop.run_in_executor(self._threads, self._work, live, listener)
        except DeadlineExceeded:
            error = ServeError("the time was over before it began", remedy="Allow more", code="timeout")
        except Cancelled:
            error = ServeError("cancelled before it began", code="cancelled")
        except Exception as broken:
            error = as_serve_error(broken)
            if error.code == "internal":
                _logger.exception("run %s failed", live.job.run_id, exc_info=broken)
        await self._finish(live, answer, error)

    async def _finish(self, live: Live, answer: Answer | None, error: ServeError | None) -> None:
        ended = how_ended(answer, error)
        try:
            await asyncio.to_thread(self._book.end, live.job.run_id, ended)  # others may be writing, and the disk slow
        except StoreError as broken:  # the run is in its log; the next start marks the job as interrupted
            _logger.error("run %s: %s", live.job.run_id, broken)
        self._metrics.runs.labels(live.job.model, ended).inc()
        self._metrics.seconds.observe(time.monotonic() - live.began)
        self._running.pop(live.job.run_id)
        live.end(answer, error)
        self._ended[live.job.run_id] = live
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        self._next()

    def _count(self) -> None:
        self._metrics.running.set(len(self._running))
        self._metrics.waiting.set(sum(map(len, self._waiting.values())))
