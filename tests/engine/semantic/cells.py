"""Cells of a test's own, run by a node over a collection, with its log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.author import Author, Step, Turn
from rlm_local.engine.batches import Batch, Batches
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.events import Voice, ignore
from rlm_local.engine.replay import replay
from rlm_local.engine.result import Result
from rlm_local.engine.run import Run
from rlm_local.engine.tree import Tree
from rlm_local.log import RunRecord, RunStore
from rlm_local.models import Cancel, Model
from rlm_policy import Action, Decision, State, named
from rlm_sandbox import Image

MESSAGES = "number,message,price\n" + "".join(
    f"{n},{'please close my account' if n % 3 == 0 else 'where is my card'} {n},{n % 5}\n" for n in range(120)
)


@dataclass
class _OneCell:
    """Writes one cell and no more."""

    cell: str

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:
        return None if turns else Step(Decision(Action.MAP), self.cell)


class _SlowBatches(Batches):
    """As if each call took a hundred seconds: so much that those of the machine do not matter."""

    def run(self, batch: Batch, ask: Any, data: Any) -> list[Any]:
        self._calls = len(batch.prompts)
        return super().run(batch, ask, data)

    def took(self, started: float) -> float:
        return 100.0 * self._calls


@dataclass
class _CellTree(Tree):
    cell: str = ""

    def _author(self, question: str, view: View, budget: Budget, say: Voice) -> Author:
        return super()._author(question, view, budget, say) if say.parent is not None else _OneCell(self.cell)


class _SlowTree(_CellTree):
    batches_type = _SlowBatches


@dataclass
class Cells:
    """Runs cells in the real sandbox."""

    image: Image
    store: RunStore

    def run(
        self,
        cell: str,
        model: Model,
        documents: Mapping[str, str] | None = None,
        *,
        limits: Limits | None = None,
        cancel: Cancel | None = None,
        slow: bool = False,
    ) -> tuple[Result, RunRecord]:
        """What a cell over some documents comes to, and the log of it, from which it comes to the same again."""
        with Collection.of(documents or {"messages.csv": MESSAGES}) as collection:
            view, budget = View(collection), Budget(limits or Limits())
            cancel = cancel or Cancel(deadline=budget.deadline)
            tokens = view.tokens(model.count)
            run = Run("?", view, view.sources, tokens, model, "", self.image, named("prompted"), budget, ignore)
            log = self.store.begin(run._start())  # pyright: ignore[reportPrivateUsage]
            tree = (_SlowTree if slow else _CellTree)(
                model, self.image, named("prompted"), cancel, log, ignore, cell=cell
            )
            result = tree.root("?", view, tokens, budget)
            log.end(run.answer_of(log.run_id, result))
            record = self.store.get(log.run_id)
            assert replay(record, view, model.count, self.image).divergence is None
            return result, record

    def sql(self, query: str, model: Model, documents: Mapping[str, str] | None = None, **how: Any) -> Result:
        """What a query comes to."""
        return self.run(f"FINAL(sql({query!r}))", model, documents, **how)[0]
