"""Tasks to learn from: questions with known answers, in groups that are either for training or held out."""

import hashlib
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rlm_local.bench.scoring import Task, load_tasks
from rlm_local.bench.tasks import Spec
from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.home import Home
from rlm_training.errors import DataError

Split = Literal["train", "held-out"]
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class TrainingTask:
    """A task with its records, and the group that it belongs to."""

    task: Task
    view: View
    group: str
    split: Split

    @property
    def id(self) -> str:
        return self.task.id


Make = Callable[[], AbstractContextManager[TrainingTask]]
"""Opens a task with its records when its turn comes, and closes them at the end."""


def made_tasks(specs: Sequence[Spec], held_out: float) -> Iterator[tuple[str, Make]]:
    """Generated tasks, each with documents of its own, by id."""

    def maker(spec: Spec) -> Make:
        @contextmanager
        def make() -> Generator[TrainingTask]:
            task, documents = spec.make()
            with Collection.of(documents) as collection:
                yield _assigned(task, View(collection), held_out)

        return make

    for spec in specs:
        yield spec.id, maker(spec)


def read_tasks(files: Sequence[Path], held_out: float, home: Home) -> Iterator[tuple[str, Make]]:
    """Tasks from files of questions (see `load_tasks`), by id, over the collections of their paths.

    Raises:
        DataError: two tasks have one id.
        UsageError: a line is not a task.
    """
    seen: set[str] = set()

    def maker(task: Task) -> Make:
        @contextmanager
        def make() -> Generator[TrainingTask]:
            with Collection.open(task.paths, home=home) as collection:
                yield _assigned(task, View(collection), held_out)

        return make

    for file in files:
        for task in load_tasks(file):
            if task.id in seen:
                raise DataError(f"{file} has the task {task.id} a second time", remedy="Give each task its own id")
            seen.add(task.id)
            yield task.id, maker(task)


def template(question: str, view: View) -> str:
    """The wording of a question, with placeholders for numbers and for the values that it mentions."""
    for value in sorted({mention.text for mention in view.mentions(question)}, key=len, reverse=True):
        question = re.sub(re.escape(value), "…", question, flags=re.IGNORECASE)
    return _DIGITS.sub("#", question)


def split_of(group: str, held_out: float) -> Split:
    """The split of a group, by its hash, so that it is always the same. `held_out` is a share of all groups."""
    place = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) / 2**64
    return "held-out" if place < held_out else "train"


def _assigned(task: Task, view: View, held_out: float) -> TrainingTask:
    group = task.group or template(task.question, view)
    return TrainingTask(task, view, group, split_of(group, held_out))
