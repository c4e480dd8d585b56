"""Scheduler: one thread that decodes for all callers.

Callers hand in jobs; the thread mixes the prompts and replies of many of them in each decode (continuous batching),
lets equal prefixes share KV, and sends back results. Urgent jobs go first, and take room from others where there is
none; callers take turns by the tokens they were given. No lock is held across a decode; what a caller cancels is
dropped before the next one, and a decode that nobody waits for any more is ended. The most that can be waiting is what
the callers have handed in: each waits for its own.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator
from collections.abc import Sequence as Ordered
from concurrent.futures import Future
from typing import Protocol, TypeVar

from rlm_local.models.adapters import NO_ADAPTERS, AdapterSet
from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import EngineError, ModelError
from rlm_local.models.fixed import FixedPrompts
from rlm_local.models.job import Done, Failed, Job, Task, Text, Turns, Waiting, next_event
from rlm_local.models.kv import KV, Sequence
from rlm_local.models.llama import Batch
from rlm_local.models.logits import Logits
from rlm_local.models.meter import Meter
from rlm_local.models.result import Usage
from rlm_local.models.shelf import Shelf

_WINDOW = 32  # waiting tasks of a job that are looked at for one that can start
_WORTH_WAITING = 16  # tokens of prefix that another prompt is about to put into the KV; a decode costs about as much
_PATIENCE = 3  # decodes in a row that urgent jobs may have to themselves while others wait

_R = TypeVar("_R")


class Decoder(Protocol):
    """The context that the thread owns; `rlm_local.models.llama.Context` is one."""

    @property
    def cells(self) -> int: ...
    def adapt(self, adapters: AdapterSet) -> None: ...
    def decode(self, batch: Batch) -> bool: ...
    def interrupt(self, wanted: bool) -> None: ...
    def logits(self, row: int) -> Logits: ...
    def copy(self, source: int, target: int, length: int) -> None: ...
    def remove(self, sequence: int, start: int = 0) -> None: ...
    def clear(self) -> None: ...
    def save(self, sequence: int) -> bytes: ...
    def restore(self, sequence: int, state: memoryview, length: int) -> bool: ...
    def close(self) -> None: ...


class _Run:
    """A task on its sequence."""

    def __init__(self, job: Job, waited: Waiting, sequence: Sequence) -> None:
        self.job = job
        self.index = waited.index
        self.task = waited.task
        self.sequence = sequence
        self.row: int | None = None  # of the batch: where its logits are
        self.cached = sequence.shared if waited.cached is None else waited.cached
        self._before = waited.evaluated

    @property
    def evaluated(self) -> int:
        """Tokens that were evaluated for it, on this sequence and before."""
        return self._before + self.sequence.length - self.sequence.shared

    @property
    def usage(self) -> Usage:
        """What its prompt has cost; what it wrote and had evaluated again counts as prompt."""
        written = max(0, self.sequence.length - len(self.task.tokens))
        return Usage(prompt_tokens=self.evaluated - written, cached_tokens=self.cached)


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
        self._fixed = FixedPrompts(context, self._kv, shelf)
        self._batch = Batch(batch)
        self._share = batch // 4  # a long prompt leaves the rest of each decode to others
        self._turns = Turns()
        self._jobs: list[Job] = []  # those with waiting tasks
        self._runs: list[_Run] = []
        self._passed_over = 0  # decodes in a row that urgent jobs had to themselves while others waited
        self._inbox: deque[Job] = deque()
        self._errands: deque[Callable[[], None]] = deque()
        self._decoding: set[Job] = set()  # those that the decode that is running is for
        self.meter = Meter()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="decode", daemon=True)
        self._thread.start()

    def run(
        self,
        tasks: Ordered[Task],
        cancel: Cancel | None,
        *,
        urgent: bool = False,
        adapters: AdapterSet = NO_ADAPTERS,
    ) -> Generator[Done | Text]:
        """Hand in tasks and yield what they give, as it comes, in the caller's thread.

        A generator that is closed early, or left by an exception, abandons what is not done.

        Args:
            cancel: jobs with the same one are one caller, who takes turns with the others.
            urgent: whether this goes before all that is not urgent.

        Raises:
            Cancelled: by `cancel`, at once; the tasks are dropped before the next decode.
            DeadlineExceeded: likewise.
            EngineError: a decode failed, or the engine was closed. Like every ModelError from here, it says in `usage`
                how many tokens were evaluated for nothing.
        """
        job = Job(tasks, cancel, urgent=urgent, adapters=adapters)
        try:
            if cancel is not None:
                cancel.check()
            self._hand_in(self._inbox, job)
        except ModelError:
            for task in tasks:
                task.close()
            raise
        forget = cancel.on_cancel(lambda: job.events.put(None)) if cancel is not None else None
        try:
            missing = len(tasks)
            while missing:
                event = next_event(job.events, cancel)
                if isinstance(event, Failed):
                    raise event.error
                missing -= isinstance(event, Done)
                yield event
        except ModelError as error:
            error.usage = Usage(prompt_tokens=job.evaluated)
            raise
        finally:
            job.leave()
            with self._wake:
                if job in self._decoding and all(each.over for each in self._decoding):
                    self._context.interrupt(True)
            if forget is not None:
                forget()

    def between(self, work: Callable[[], _R]) -> _R:
        """What `work` returns, or raises, when the decode thread has run it between two decodes.

        Raises:
            EngineError: the engine was closed.
        """
        future: Future[_R] = Future()

        def errand() -> None:
            try:
                future.set_result(work())
            except Exception as error:  # noqa: BLE001 - it is the caller's
                future.set_exception(error)

        self._hand_in(self._errands, errand)
        return future.result()

    def close(self) -> None:
        """Stop after the decode that is running, fail what is waiting, join the thread, free the context."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._context.close()

    def _hand_in(self, line: deque[_R], what: _R) -> None:
        with self._wake:
            if self._closing:
                raise EngineError("the engine is closed")
            line.append(what)
            self._wake.notify()

    def _loop(self) -> None:
        while self._collect():
            try:
                self._admit()
                self._kv.trim()
                if self._runs:
                    self._decode()
                if not self._runs and not self._jobs:
                    self._kv.settle()
            except Exception as error:  # noqa: BLE001 - whatever it was, no caller may wait for ever
                self._fail(error)
        self._fail(EngineError("the engine was closed"))

    def _collect(self) -> bool:
        """Take in new jobs, waiting if there is nothing to do, and drop those that are over; False when closing."""
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._inbox or self._errands or self._jobs or self._runs)
            come, errands = list(self._inbox), list(self._errands)
            self._inbox.clear()
            self._errands.clear()
        for errand in errands:
            errand()
        for run in [run for run in self._runs if run.job.over]:
            self._leave(run)
        for job in [job for job in self._jobs if job.over]:
            self._abandon(job)
        self._turns.keep([*self._jobs, *(run.job for run in self._runs)])
        for job in come:
            self._turns.enter(job)
            if job.waiting:
                self._jobs.append(job)
        return not self._closing

    def _admit(self) -> None:
        """Start all that is urgent, and of the others as many as would fill the next decode."""
        backlog = sum(self._most(run) for run in self._runs if not run.job.urgent)
        jobs = list(self._jobs)
        while jobs:
            job = min(jobs, key=self._turns.place)
            if backlog >= self._batch.capacity and not job.urgent:
                return
            place = self._ready(job)
            if place is None:
                jobs.remove(job)
                continue
            run = self._start(job, job.waiting[place])
            if run is None:
                if not self._runs:
                    needed = job.waiting[place].task
                    job.fail(EngineError(f"no room for {len(needed.tokens)} tokens and {needed.room} more"))
                return  # it stays first in line: smaller ones that came later must not starve it
            del job.waiting[place]
            backlog += 0 if job.urgent else self._most(run)
            if not job.waiting:
                jobs.remove(job)
                self._jobs.remove(job)

    def _most(self, run: _Run) -> int:
        """A fair share of the next decode for a task, in tokens."""
        return min(len(run.sequence.pending), self._share)

    def _ready(self, job: Job) -> int | None:
        """The place of the first waiting task that another prompt is not just evaluating a prefix of.

        What all of the job's prompts begin with is worth the wait for all that are waiting together.
        """
        space = job.adapters.identity
        for place in range(min(len(job.waiting), _WINDOW)):
            tokens, fixed = job.waiting[place].tokens, job.waiting[place].task.fixed
            self._fixed.load(tokens, fixed, space)
            _, at_hand = self._kv.match(tokens[:-1], space=space)
            coming = min(self._kv.coming(tokens, space=space), len(tokens) - 1)
            for_all = (min(coming, job.lasting) - at_hand) * len(job.waiting)
            if max(coming - at_hand, for_all) < _WORTH_WAITING:
                return place
        return None

    def _start(self, job: Job, waiting: Waiting) -> _Run | None:
        """Give a task a sequence; None when there is no room. An urgent one takes it from the last that is not."""
        while True:
            sequence = self._kv.admit(
                waiting.tokens,
                room=waiting.room,
                space=job.adapters.identity,
                lasting=job.lasting,
                kept=waiting.task.kept,
                sparing=not job.urgent and bool(self._runs),  # else a cursor's next step evaluates its prompt again
            )
            if sequence is not None:
                run = _Run(job, waiting, sequence)
                self._runs.append(run)
                self._turns.charge(job, len(sequence.pending))
                return run
            last = next((run for run in reversed(self._runs) if not run.job.urgent), None)
            if not job.urgent or last is None:
                return None
            self._preempt(last)

    def _preempt(self, run: _Run) -> None:
        """Take a task's sequence away. It waits, first of its job, and goes on from what it has written."""
        tokens = run.sequence.tokens[: run.sequence.known].copy()
        if not run.job.waiting:
            self._jobs.append(run.job)
        run.job.waiting.appendleft(Waiting(run.index, run.task, tokens, run.evaluated, run.cached))
        self._kv.finish(run.sequence)
        self._runs.remove(run)

    def _decode(self) -> None:
        """Evaluate one batch of replies, a token each, and prompts, all under the same adapters."""
        self._batch.clear()
        shares = self._shares()
        for run in self._runs:
            run.row = None
        for run, count in shares:
            sequence = run.sequence
            if count:
                last = count == len(sequence.pending)
                row = self._batch.add(sequence.id, sequence.length, sequence.pending[:count], wanted=last)
                run.row = row if last else None
                run.job.evaluated += count
        others = any(not run.job.urgent for run in self._runs)
        served = any(count and not run.job.urgent for run, count in shares)
        self._passed_over = self._passed_over + 1 if others and not served else 0
        self._context.adapt(shares[0][0].job.adapters)
        if not self._evaluate({run.job for run, count in shares if count}):
            return
        for run, count in shares:
            if count:
                self._kv.grow(run.sequence, count)
        for run in [run for run, count in shares if count]:
            self._fixed.save(run.sequence, run.task.fixed)
            if run.row is not None:
                self._step(run, self._context.logits(run.row))

    def _evaluate(self, jobs: set[Job]) -> bool:
        """Decode the batch, which is for these jobs; False where all of them were given up meanwhile."""
        with self._wake:
            self._decoding = jobs
        try:
            with self.meter.decoding(self._batch.size):
                return self._context.decode(self._batch)
        finally:
            with self._wake:
                self._decoding = set()
                self._context.interrupt(False)

    def _shares(self) -> list[tuple[_Run, int]]:
        """How many tokens each task has in the next decode.

        The first in line decides whose adapters it is for. Of those, urgent ones have what they need first. Among
        equals there is a fair share for each, replies before prompts; the rest is for the prompts that came first.
        """
        patient = [run for run in self._runs if not run.job.urgent]
        turn = patient if self._passed_over >= _PATIENCE and patient else self._runs
        first = min(turn, key=lambda run: self._turns.place(run.job)).job
        runs = [run for run in self._runs if run.job.adapters == first.adapters]
        runs.sort(key=lambda run: (run.job.urgent != first.urgent, len(run.sequence.pending) > 1))
        counts = [0] * len(runs)
        space = self._batch.capacity
        for urgent in (first.urgent, not first.urgent):
            for most in (self._share, self._batch.capacity):
                for place, run in enumerate(runs):
                    if run.job.urgent == urgent:
                        more = min(len(run.sequence.pending), most, counts[place] + space) - counts[place]
                        counts[place] += more
                        space -= more
        return list(zip(runs, counts, strict=True))

    def _step(self, run: _Run, logits: Logits) -> None:
        try:
            token = run.task.step(logits, lambda text: run.job.events.put(Text(run.index, text)))
            if token is not None:
                run.sequence.push(token)
                self._turns.charge(run.job, 1)
                return
            run.job.events.put(Done(run.index, run.task.result(run.usage)))
        except Exception as error:  # noqa: BLE001 - a task that fails fails its own call only
            run.job.fail(error)
        self._leave(run)

    def _leave(self, run: _Run) -> None:
        run.task.close()
        self._kv.finish(run.sequence)
        self._runs.remove(run)

    def _abandon(self, job: Job) -> None:
        for waiting in job.waiting:
            waiting.task.close()
        job.waiting.clear()
        self._jobs.remove(job)

    def _fail(self, error: Exception) -> None:
        """After a failed decode nothing in the KV can be trusted: fail every call that is under way."""
        with self._wake:
            come = list(self._inbox)
            self._inbox.clear()
        self._jobs += [job for job in come if job.waiting]
        for job in {run.job for run in self._runs} | set(self._jobs):
            failure = EngineError(str(error) or repr(error))  # one for each: what it cost is written on it
            failure.__cause__ = error
            job.fail(failure)
        for run in list(self._runs):
            self._leave(run)
        for job in list(self._jobs):
            self._abandon(job)
        self._kv.clear()
        self._context.clear()
