"""A task that was made, with the documents it is asked of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rlm_local.bench.scoring import Scorer, Task


@dataclass(frozen=True)
class Made:
    """A question over documents (name: text), and what is needed to score its answer; see `scoring.Task`."""

    documents: Mapping[str, str]
    question: str
    scorer: Scorer
    answer: str | float | tuple[str, ...]
    accept: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    group: str = ""

    def task(self, name: str, kind: str) -> Task:
        """The task, to be scored, under an id."""
        return Task(
            id=name,
            kind=kind,
            question=self.question,
            paths=(),
            scorer=self.scorer,
            answer=self.answer,
            accept=self.accept,
            against=self.against,
            group=self.group,
        )


def drawn(draw: Callable[[], Made | None]) -> Made:
    """The first task that comes of drawing; None is a question that has no single answer, and is drawn again."""
    while True:
        made = draw()
        if made is not None:
            return made
