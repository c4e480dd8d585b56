"""Scheduler: one thread that decodes for all callers.

Callers hand in jobs; the thread mixes the prompts and replies of many of them in each decode (continuous batching),
lets equal prefixes share KV, and sends back results. No lock is held across a decode; what a caller cancels is dropped
before the next one. The most that can be waiting is what the callers have handed in: each waits for its own.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator
from collections.abc import Sequence as Ordered
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import EngineError
from rlm_local.models.kv import KV, Sequence, Tokens
from rlm_local.models.llama import Batch
from rlm_local.models.logits import Logits
from rlm_local.models.result import Usage
from rlm_local.models.shelf import Shelf

_WINDOW = 32  # waiting tasks of a job that are looked at for one that can start
_WORTH_WAITING = 16  # tokens of prefix that another prompt is about to put into the KV; a decode costs about as much


class Decoder(Protocol):
    """The context that the thread owns; `rlm_local.models.llama.Context` is one."""

    @property
    def cells(self) -> int: ...
    def decode(self, batch: Batch) -> None: ...
    def logits(self, row: int) -> Logits: ...
    def copy(self, source: int, target: int, length: int) -> None: ...
    def remove(self, sequence: int) -> None: ...
    def clear(self) -> None: ...
    def save(self, sequence: int) -> bytes: ...
    def restore(self, sequence: int, state: bytes, length: int) -> bool: ...
    def close(self) -> None: ...


class Task(Protocol):
    """One sequence's work. `step` runs in the decode thread: it must be quick.

    Attributes:
        tokens: the prompt.
        fixed: how many of the prompt's first tokens are worth keeping on disk.
        room: the most tokens that `step` will ask to append.
        kept: whether the KV is wanted again soon, however short.
    """

    tokens: Tokens
    fixed: int
    room: int
    kept: bool

    def step(self, logits: Logits, emit: Callable[[str], None]) -> int | None:
        """The token to append, given the logits after all tokens so far (a view); None when the task is done.

        `emit` sends text to the caller ahead of the result.
        """
        ...

    def result(self, usage: Usage) -> Any:
        """What the caller gets when the task is done; `usage` counts the prompt only."""
        ...

    def close(self) -> None:
        """Free what the task holds; called once, done or not."""
        ...


@dataclass(frozen=True)
class Done:
    """A task's result."""

    index: int
    result: Any


@dataclass(frozen=True)
class Text:
    """A piece of text that a task has written meanwhile."""

    index: int
    text: str


@dataclass(frozen=True)
class Failed:
    """The job cannot be finished."""

    error: Exception


class _Job:
    """The tasks of one call."""

    def __init__(self, tasks: Ordered[Task], cancel: Cancel | None) -> None:
        self.events: queue.SimpleQueue[Done | Text | Failed | None] = queue.SimpleQueue()
        self.waiting = deque(enumerate(tasks))
        self.left = False  # set by the caller, who waits for nothing more
        self._cancel = cancel

    @property
    def over(self) -> bool:
        """Whether nobody wants the results any more."""
        return self.left or (self._cancel is not None and self._cancel.stopped)

    def fail(self, error: Exception) -> None:
        self.left = True
        self.events.put(Failed(error))


class _Run:
    """A task on its sequence."""

    def __init__(self, job: _Job, index: int, task: Task, sequence: Sequence) -> None:
        self.job = job
        self.index = index
        self.task = task
        self.sequence = sequence
        self.cached = sequence.shared
        self.row: int | None = None  # of the batch: where its logits are


class Scheduler:
    """Owns the context and the decode thread.

    Args:
        context: closed by `close`.
        batch: the most tokens a decode.
        shelf: where the KV of fixed prompts is kept, if anywhere.
    """

    def __init__(self, context: Decoder, *, sequences: int, batch: int, shelf: Shelf | None) -> None:
        self._context = context
        self._kv = KV(context, cells=context.cells, sequences=sequences)
        self._batch = Batch(batch)
        self._share = batch // 4  # a long prompt leaves the rest of each decode to others
        self._shelf = shelf
        self._missing: set[bytes] = set()  # fixed prompts that are not on the shelf, to be saved when evaluated
        self._jobs: deque[_Job] = deque()
        self._runs: list[_Run] = []
        self._inbox: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="decode", daemon=True)
        self._thread.start()

    def run(self, tasks: Ordered[Task], cancel: Cancel | None) -> Generator[Done | Text]:
        """Hand in tasks and yield what they give, as it comes, in the caller's thread.

        A generator that is closed early, or left by an exception, abandons what is not done.

        Raises:
            Cancelled: by `cancel`, at once; the tasks are dropped before the next decode.
            DeadlineExceeded: likewise.
            EngineError: a decode failed, or the engine was closed.
        """
        if cancel is not None:
            cancel.check()
        job = _Job(tasks, cancel)
        with self._wake:
            if self._closing:
                raise EngineError("the engine is closed")
            self._inbox.append(job)
            self._wake.notify()
        forget = cancel.on_cancel(lambda: job.events.put(None)) if cancel is not None else None
        try:
            missing = len(tasks)
            while missing:
                event = _next(job, cancel)
                if isinstance(event, Failed):
                    raise event.error
                missing -= isinstance(event, Done)
                yield event
        finally:
            job.left = True
            if forget is not None:
                forget()

    def close(self) -> None:
        """Stop after the decode that is running, fail what is waiting, join the thread, free the context."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._context.close()

    def _loop(self) -> None:
        while self._collect():
            try:
                self._admit()
                self._kv.trim()
                if self._runs:
                    self._decode()
            except Exception as error:  # noqa: BLE001 - whatever it was, no caller may wait for ever
                self._fail(error)
        self._fail(EngineError("the engine was closed"))

    def _collect(self) -> bool:
        """Take in new jobs, waiting if there is nothing to do, and drop those that are over; False when closing."""
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._inbox or self._jobs or self._runs)
            self._jobs.extend(self._inbox)
            self._inbox.clear()
        for run in [run for run in self._runs if run.job.over]:
            self._leave(run)
        for job in [job for job in self._jobs if job.over]:
            self._abandon(job)
        return not self._closing

    def _admit(self) -> None:
        """Start as many tasks as the next decode can begin on, a turn to each job."""
        backlog = sum(min(len(run.sequence.pending), self._share) for run in self._runs)
        deferred = 0
        while backlog < self._batch.capacity and deferred < len(self._jobs):
            job = self._jobs[0]
            place = self._ready(job)
            if place is None:
                deferred += 1
            else:
                index, task = job.waiting[place]
                sequence = self._kv.admit(task.tokens, room=task.room, kept=task.kept)
                if sequence is None:
                    if not self._runs:
                        job.fail(EngineError(f"no room for {len(task.tokens)} tokens and {task.room} more"))
                    return  # it stays first in line: smaller ones that came later must not starve it
                deferred = 0
                del job.waiting[place]
                self._runs.append(_Run(job, index, task, sequence))
                backlog += min(len(sequence.pending), self._share)
            self._jobs.rotate(-1)
            if not job.waiting:
                self._jobs.remove(job)

    def _ready(self, job: _Job) -> int | None:
        """The place of the first waiting task that another prompt is not just evaluating a prefix of."""
        for place in range(min(len(job.waiting), _WINDOW)):
            _, task = job.waiting[place]
            if task.fixed:
                self._take_from_shelf(task.tokens[: task.fixed])
            _, at_hand = self._kv.match(task.tokens[:-1])
            if min(self._kv.coming(task.tokens), len(task.tokens) - 1) - at_hand < _WORTH_WAITING:
                return place
        return None

    def _decode(self) -> None:
        """Evaluate one batch of replies, a token each, and prompts."""
        self._batch.clear()
        for run, count in self._shares():
            sequence = run.sequence
            run.row = None
            if count:
                last = count == len(sequence.pending)
                row = self._batch.add(sequence.id, sequence.length, sequence.pending[:count], wanted=last)
                run.row = row if last else None
                self._kv.grow(sequence, count)
        self._context.decode(self._batch)
        for run in list(self._runs):
            if run.task.fixed and run.sequence.length >= run.task.fixed:
                self._put_on_shelf(run)
            if run.row is not None:
                self._step(run, self._context.logits(run.row))

    def _shares(self) -> list[tuple[_Run, int]]:
        """How many tokens each task has in the next decode: a fair share first, replies before prompts; the rest to
        the prompts that came first."""
        runs = sorted(self._runs, key=lambda run: len(run.sequence.pending) > 1)
        counts = [0] * len(runs)
        space = self._batch.capacity
        for most in (self._share, self._batch.capacity):
            for place, run in enumerate(runs):
                more = min(len(run.sequence.pending), most, counts[place] + space) - counts[place]
                counts[place] += more
                space -= more
        return list(zip(runs, counts, strict=True))

    def _step(self, run: _Run, logits: Logits) -> None:
        try:
            token = run.task.step(logits, lambda text: run.job.events.put(Text(run.index, text)))
            if token is not None:
                run.sequence.push(token)
                return
            usage = Usage(prompt_tokens=len(run.task.tokens) - run.cached, cached_tokens=run.cached)
            run.job.events.put(Done(run.index, run.task.result(usage)))
        except Exception as error:  # noqa: BLE001 - a task that fails fails its own call only
            run.job.fail(error)
        self._leave(run)

    def _leave(self, run: _Run) -> None:
        run.task.close()
        self._kv.finish(run.sequence)
        self._runs.remove(run)

    def _abandon(self, job: _Job) -> None:
        for _, task in job.waiting:
            task.close()
        job.waiting.clear()
        self._jobs.remove(job)

    def _fail(self, error: Exception) -> None:
        """After a failed decode nothing in the KV can be trusted: fail every call that is under way."""
        with self._wake:
            self._jobs.extend(self._inbox)
            self._inbox.clear()
        for job in {run.job for run in self._runs} | set(self._jobs):
            job.fail(error)
        for run in list(self._runs):
            self._leave(run)
        for job in list(self._jobs):
            self._abandon(job)
        self._kv.clear()
        self._context.clear()

    def _take_from_shelf(self, tokens: Tokens) -> None:
        """Load the KV of a fixed prompt if it is on the shelf and not in the KV or on its way there."""
        key = tokens.tobytes()
        if self._shelf is None or key in self._missing:
            return
        if self._kv.match(tokens)[1] == len(tokens) or self._kv.coming(tokens) == len(tokens):
            return
        sequence = self._kv.reserve(tokens)
        if sequence is None:
            return
        state = self._shelf.load(tokens)
        if state is not None and self._context.restore(sequence.id, state, len(tokens)):
            self._kv.grow(sequence, len(tokens))
            self._kv.finish(sequence)
        else:
            self._kv.drop(sequence)
            self._missing.add(key)

    def _put_on_shelf(self, run: _Run) -> None:
        """Save the KV of a fixed prompt that was just evaluated."""
        tokens = run.task.tokens[: run.task.fixed]
        if self._shelf is None or not self._missing or tokens.tobytes() not in self._missing:
            return
        self._missing.discard(tokens.tobytes())
        sequence = self._kv.admit(np.append(tokens, np.int32(-1)), room=0)
        if sequence is not None:
            if sequence.length == len(tokens):
                self._shelf.save(tokens, self._context.save(sequence.id))
            self._kv.drop(sequence)


def _next(job: _Job, cancel: Cancel | None) -> Done | Text | Failed:
    """The next event, or the reason why none may be waited for."""
    while True:
        if cancel is not None:
            cancel.check()
        try:
            event = job.events.get(timeout=None if cancel is None else cancel.remaining)
        except queue.Empty:
            continue
        if event is not None:
            return event
