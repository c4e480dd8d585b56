"""Job: the tasks of one call, on their way through the scheduler."""

import queue
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rlm_local.models.adapters import AdapterSet
from rlm_local.models.cancel import Cancel
from rlm_local.models.kv import Tokens, common_prefix
from rlm_local.models.logits import Logits
from rlm_local.models.result import Usage


class Task(Protocol):
    """One sequence's work. `step` runs in the decode thread: it must be quick.

    Attributes:
        tokens: the prompt.
        fixed: how many of the prompt's first tokens are worth keeping on disk; several are beginnings of one another.
        room: the most tokens that `step` will ask to append.
        kept: whether the KV is wanted again soon, however short.
    """

    tokens: Tokens
    fixed: tuple[int, ...]
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


@dataclass(frozen=True)
class Waiting:
    """A task that has no sequence yet, or none any more.

    Attributes:
        tokens: its prompt, and what it had written before it had to give way.
        evaluated: tokens that were evaluated for it before.
        cached: tokens whose KV was at hand when it began; None if it never did.
    """

    index: int
    task: Task
    tokens: Tokens
    evaluated: int = 0
    cached: int | None = None

    @property
    def room(self) -> int:
        """The most tokens that are still to be written."""
        return len(self.task.tokens) + self.task.room - len(self.tokens)


Event = Done | Text | Failed
Events = queue.SimpleQueue[Event | None]
"""What comes to the caller of some tasks; None wakes it up."""


def next_event(events: Events, cancel: Cancel | None) -> Event:
    """The next event, in the caller's thread.

    Raises:
        Cancelled: it was cancelled, so there may be none.
        DeadlineExceeded: likewise.
    """
    while True:
        if cancel is not None:
            cancel.check()
        try:
            event = events.get(timeout=None if cancel is None else cancel.remaining)
        except queue.Empty:
            continue
        if event is not None:
            return event


class Job:
    """The tasks of one call.

    Args:
        cancel: stops it; also says whose call it is, because all calls of a run have the same one.
        urgent: whether it goes before those that are not: someone waits for this very call.
        adapters: what all of its tasks are evaluated under.

    Attributes:
        waiting: the tasks that have no sequence, in order.
        lasting: tokens that all of its prompts begin with; a single one's are all that it may come to, for its caller
            may go on from its reply.
        evaluated: tokens that were evaluated for it so far.
    """

    def __init__(self, tasks: Sequence[Task], cancel: Cancel | None, *, urgent: bool, adapters: AdapterSet) -> None:
        self.events: Events = queue.SimpleQueue()
        self.waiting = deque(Waiting(index, task, task.tokens) for index, task in enumerate(tasks))
        self.lasting = _lasting(tasks)
        self.urgent = urgent
        self.adapters = adapters
        self.evaluated = 0
        self.caller: object = cancel or self
        self._left = False
        self._cancel = cancel

    @property
    def over(self) -> bool:
        """Whether nobody wants the results any more."""
        return self._left or (self._cancel is not None and self._cancel.stopped)

    def leave(self) -> None:
        """The caller waits for nothing more."""
        self._left = True

    def fail(self, error: Exception) -> None:
        """Tell the caller that there will be nothing more."""
        self._left = True
        self.events.put(Failed(error))


def _lasting(tasks: Sequence[Task]) -> int:
    if len(tasks) == 1:
        return len(tasks[0].tokens) + tasks[0].room
    return min((common_prefix(tasks[0].tokens, task.tokens) for task in tasks), default=0)


class Turns:
    """Whose turn it is: urgent jobs first, and among equals the caller that was given the fewest tokens.

    A caller that comes, or comes again, starts level with the one that is next: what it did before is forgotten.
    """

    def __init__(self) -> None:
        self._given: dict[object, int] = {}

    def enter(self, job: Job) -> None:
        """Let a job's caller take part."""
        self._given.setdefault(job.caller, min(self._given.values(), default=0))

    def keep(self, jobs: Sequence[Job]) -> None:
        """Forget the callers that none of these jobs is of."""
        callers = {job.caller for job in jobs}
        self._given = {caller: given for caller, given in self._given.items() if caller in callers}

    def charge(self, job: Job, tokens: int) -> None:
        """Book tokens that a job was given."""
        self._given[job.caller] += tokens

    def place(self, job: Job) -> tuple[bool, int]:
        """Where a job stands in line: the least is next."""
        return not job.urgent, self._given[job.caller]
