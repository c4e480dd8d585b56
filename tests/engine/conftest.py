from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rlm_local.collection.view import View
from rlm_local.engine.answer import Answer
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.events import Event, Listener, ignore
from rlm_local.engine.notes import Length
from rlm_local.engine.run import Run
from rlm_local.engine.typed import AnswerSchema
from rlm_local.log import RunRecord, RunStore
from rlm_local.models import Cancel, Model
from rlm_policy import named
from rlm_sandbox import Image
from tests.engine.records import records


@dataclass
class Asker:
    """Asks in the real sandbox, and reads the run back from its log."""

    image: Image
    store: RunStore

    def ask(
        self,
        model: Model,
        question: str,
        view: View | None = None,
        *,
        policy: str = "prompted",
        limits: Limits | None = None,
        cancel: Cancel | None = None,
        tell: Listener = ignore,
        schema: Mapping[str, Any] | None = None,
        length: Length | None = None,
        resumes: RunRecord | None = None,
    ) -> tuple[Answer, RunRecord]:
        view = view or records()
        budget = Budget(limits or Limits())
        run = Run(
            question=question,
            view=view,
            sources=(),
            context_tokens=view.tokens(model.count),
            model=model,
            model_sha256="",
            sandbox=self.image,
            policy=named(policy),
            budget=budget,
            tell=tell,
            schema=None if schema is None else AnswerSchema(schema),
            length=length,
            resumes=resumes,
        )
        answer = run.answer(self.store, cancel or Cancel(deadline=budget.deadline))
        record = self.store.get(answer.run_id)
        assert record.answer == answer
        assert all(turn.end for node in record.nodes for turn in node.turns)
        return answer, record


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore(tmp_path / "runs.sqlite") as store:
        yield store


@pytest.fixture
def asker(image: Image, store: RunStore) -> Asker:
    """Every run that it makes has left a whole log."""
    return Asker(image, store)


def once(kind: str, act: Callable[[], None]) -> Listener:
    """A listener that acts at the first event of a kind."""
    left = [act]

    def tell(event: Event) -> None:
        if event.kind == kind and left:
            left.pop()()

    return tell
