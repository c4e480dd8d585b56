"""Children that parse, as many as there are cores: jobs go to them, spools come back in the order of the jobs.

A child that dies, or hangs at a file, loses that file; the rest of its job is done by another.
"""

import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from rlm_local.collection.reading import Reading
from rlm_local.collection.scan import Found
from rlm_local.vault import Key

MEMORY = 1 << 30
"""Bytes of data that a child may have."""

_LEAST_SECONDS = 120
_SLOWEST = 30_000
"""Bytes a second of a processor: what a file may take beyond the least is by its size. Scans are the slowest."""
_PATIENCE = 5
"""How many times longer it may take by the clock: other programs want the processor, too."""
_AHEAD = 32
"""Finished jobs that may wait for one before them."""
_WAKE = 0.2


@dataclass(frozen=True)
class Task:
    """A file to parse, and how to read the columns of its records where that is known."""

    id: int
    found: Found
    imposed: Mapping[int, Mapping[str, Reading]] = field(default_factory=dict[int, Mapping[str, Reading]])

    @property
    def seconds(self) -> int:
        return _LEAST_SECONDS + self.found.size // _SLOWEST

    def data(self) -> dict[str, object]:
        imposed = {
            ordinal: {key: reading.data() for key, reading in columns.items()}
            for ordinal, columns in self.imposed.items()
        }
        return {
            "id": self.id,
            "name": self.found.name,
            "root": self.found.root,
            "steps": self.found.steps,
            "seconds": self.seconds,
            "imposed": imposed,
        }


@dataclass(frozen=True)
class Job:
    """Files that are parsed together; `lost` are those that ended their child, and how."""

    id: int
    tasks: tuple[Task, ...]
    out: Path
    lost: tuple[tuple[Task, str], ...] = ()


class Pool:
    """A context manager; the children end with it.

    Args:
        folder: where spools are written; whoever takes one deletes it.
        size: how many children at most.
        key: what spools are sealed with, if they are; files that are sealed with it are opened.
    """

    def __init__(self, folder: Path, size: int | None = None, key: Key | None = None, *, memory: int = MEMORY) -> None:
        self._folder, self._memory, self._key = folder, memory, key
        self._size = size or len(os.sched_getaffinity(0))
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for child in self._children:
            child.end()
        self._selector.close()

    def work(self, jobs: Sequence[Sequence[Task]], stop: Callable[[], None]) -> "Iterator[Job]":
        """Does the jobs, and gives each, in order, once its spool is complete.

        `stop` is asked now and then, and raises to end it.

        Raises:
            OSError: the children cannot work: they do not start, or the disk is full.
        """
        waiting = deque(Job(number, tuple(tasks), self._folder / f"{number}.db") for number, tasks in enumerate(jobs))
        done: dict[int, Job] = {}
        for number in range(len(jobs)):
            while number not in done:
                stop()
                self._send(waiting, number)
                for job in self._receive():
                    done[job.id] = job
                for job in self._lost():
                    if job.tasks:
                        waiting.appendleft(job)
                    else:
                        done[job.id] = job
            self._send(waiting, number + 1)
            yield done.pop(number)

    def _send(self, waiting: "deque[Job]", number: int) -> None:
        idle = [child for child in self._children if len(child.jobs) < 2]
        idle.sort(key=lambda child: len(child.jobs))
        while waiting and waiting[0].id < number + _AHEAD:
            free = next((child for child in idle if not child.jobs), None)
            if free is None and len(self._children) < self._size:
                free = _Child(self._memory)
                self._children.append(free)
                self._selector.register(free.answers, selectors.EVENT_READ, free)
                idle.append(free)
            free = free or next((child for child in idle if len(child.jobs) < 2), None)
            if free is None:
                return
            free.send(waiting.popleft(), self._key)

    def _receive(self) -> "Iterator[Job]":
        for key, _ in self._selector.select(_WAKE):
            child: _Child = key.data
            yield from child.receive()

    def _lost(self) -> "Iterator[Job]":
        for child in list(self._children):
            reason = child.trouble()
            if reason:
                self._children.remove(child)
                self._selector.unregister(child.answers)
                child.end()
                yield from child.remains(reason)


class _Child:
    def __init__(self, memory: int) -> None:
        program = f"import sys; sys.path[:] = {sys.path!r}; from rlm_local.collection.worker import main; main()"
        self._process = subprocess.Popen(  # noqa: S603  ourselves
            [sys.executable, "-c", program, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent to say
            env={**os.environ, "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        assert self._process.stdout and self._process.stdin  # noqa: S101, PT018
        self.answers = self._process.stdout.fileno()
        self._to = self._process.stdin
        os.set_blocking(self.answers, False)
        self.jobs: deque[Job] = deque()
        self._at: Task | None = None
        self._since = time.monotonic()
        self._ended = False
        self._rest = b""

    def send(self, job: Job, key: Key | None) -> None:
        if not self.jobs:
            self._since = time.monotonic()
        self.jobs.append(job)
        files = [task.data() for task in job.tasks]
        line = json.dumps({"id": job.id, "out": str(job.out), "key": key and key.secret.hex(), "files": files})
        try:
            self._to.write(line.encode() + b"\n")
            self._to.flush()
        except BrokenPipeError:
            self._ended = True

    def receive(self) -> Iterator[Job]:
        """The jobs that it has done since it was last asked."""
        try:
            data = os.read(self.answers, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self._ended = True
        *lines, self._rest = (self._rest + data).split(b"\n")
        for each in lines:
            answer: dict[str, int] = json.loads(each)
            self._since = time.monotonic()
            if "trouble" in answer:
                raise OSError(answer["trouble"], os.strerror(answer["trouble"]))
            if "begin" in answer:
                self._at = next(task for task in self.jobs[0].tasks if task.id == answer["begin"])
            else:
                self._at = None
                yield self.jobs.popleft()

    def trouble(self) -> str:
        """Why it is of no use any more; empty if it is."""
        if self._ended:
            code = self._process.wait()
            return "takes too long to read" if code == -24 else f"its reader ended without a word ({_signal(code)})"
        seconds = self._at.seconds if self._at else _LEAST_SECONDS
        if self.jobs and time.monotonic() - self._since > _PATIENCE * seconds:
            return "takes too long to read"
        return ""

    def remains(self, reason: str) -> Iterator[Job]:
        """What it had to do still, without the file that it was lost at."""
        for job in self.jobs:
            job.out.unlink(missing_ok=True)
            lost = self._at if self._at in job.tasks else None
            tasks = tuple(task for task in job.tasks if task is not lost)
            yield replace(job, tasks=tasks, lost=(*job.lost, *([(lost, reason)] if lost else [])))

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._to.close()
        if self._process.stdout:
            self._process.stdout.close()


def _signal(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"status {code}"
