"""Tasks to learn from: questions with known answers, each in a group that is wholly for training or wholly held out."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rlm_local.bench.scoring import Task, load_tasks
from rlm_local.bench.tasks import Spec
from rlm_local.corpus import Corpus
from rlm_local.engine.guided import Schema
from rlm_training.errors import DataError

Split = Literal["train", "held-out"]
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class TrainingTask:
    """A task with its documents, and the group that it belongs to."""

    task: Task
    corpus: Corpus
    group: str
    split: Split

    @property
    def id(self) -> str:
        return self.task.id


Make = Callable[[], TrainingTask]
"""Makes or reads a task when its turn comes: the documents of all of them would not fit into memory."""


def made_tasks(specs: Sequence[Spec], held_out: float) -> Iterator[tuple[str, Make]]:
    """Tasks of the benchmark, each with documents of its own; by id."""

    def maker(spec: Spec) -> Make:
        def make() -> TrainingTask:
            task, documents = spec.make()
            return _assigned(task, Corpus.from_documents(documents), held_out)

        return make

    for spec in specs:
        yield spec.id, maker(spec)


def read_tasks(files: Sequence[Path], held_out: float) -> Iterator[tuple[str, Make]]:
    """Tasks of one's own from files of questions (see `load_tasks`), by id; documents are read once for each set.

    Raises:
        DataError: two tasks have one id.
        UsageError: a line is no task.
    """
    corpora: dict[tuple[Path, ...], Corpus] = {}
    seen: set[str] = set()

    def maker(task: Task) -> Make:
        def make() -> TrainingTask:
            if task.paths not in corpora:
                corpora.clear()
                corpora[task.paths] = Corpus.load(task.paths)
            return _assigned(task, corpora[task.paths], held_out)

        return make

    for file in files:
        for task in load_tasks(file):
            if task.id in seen:
                raise DataError(f"{file} has the task {task.id} a second time", remedy="Give each task its own id")
            seen.add(task.id)
            yield task.id, maker(task)


def template(question: str, corpus: Corpus) -> str:
    """The wording of a question without what it asks about: the values that it mentions, and numbers, are left open."""
    surfaces = {c.surface for conditions in Schema(corpus, question).conditions.values() for c in conditions}
    for surface in sorted(filter(None, surfaces), key=len, reverse=True):
        question = re.sub(re.escape(surface), "…", question, flags=re.IGNORECASE)
    return _DIGITS.sub("#", question)


def split_of(group: str, held_out: float) -> Split:
    """The split of a group: by its hash, so that it is the same in every collection. `held_out` is a share."""
    place = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) / 2**64
    return "held-out" if place < held_out else "train"


def _assigned(task: Task, corpus: Corpus, held_out: float) -> TrainingTask:
    group = task.group or template(task.question, corpus)
    return TrainingTask(task, corpus, group, split_of(group, held_out))
