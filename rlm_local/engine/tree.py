"""The nodes of one run: what they share, how each is made, and how children run at the same time.

All nodes use one model, one sandbox, one log and one budget. The children of one call are priced and reserved together.
Each gets a share of the budget for itself, and none begins before all are paid for.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from rlm_local.collection.view import View
from rlm_local.engine.author import Author, Step
from rlm_local.engine.authors.document import DocumentAuthor
from rlm_local.engine.authors.notes import NotesAuthor
from rlm_local.engine.authors.programs import programs_author
from rlm_local.engine.batches import Batches
from rlm_local.engine.broker import Broker
from rlm_local.engine.budget import Budget, Price, Refused
from rlm_local.engine.child import AT_ONCE, Ask, least
from rlm_local.engine.direct import DirectAuthor
from rlm_local.engine.events import Listener, Voice
from rlm_local.engine.free import free_author
from rlm_local.engine.kept import KeptNode, KeptSteps
from rlm_local.engine.node import Node
from rlm_local.engine.notes import Length
from rlm_local.engine.passages import Passages
from rlm_local.engine.result import Result
from rlm_local.engine.toolbox import open_session
from rlm_local.engine.typed import AnswerSchema
from rlm_local.log import NodeStart, RunLog
from rlm_local.models import Cancel, Model
from rlm_policy import Policy
from rlm_sandbox import HostCallRefused, Image, Pool, Session

_CELL_SECONDS = 60.0
_KEPT = 10
"""A tenth of what is left stays with the parent, so that it can use what its children find."""


@dataclass
class Tree:
    """What the nodes of a run share. A replay has another `batches_type`, and runs one child `at_once`."""

    model: Model
    sandbox: Image | Pool
    policy: Policy
    cancel: Cancel
    log: RunLog
    listener: Listener
    schema: AnswerSchema | None = None
    """What the root's answer has to fit, if anything."""

    kept: Mapping[tuple[str, str], Result] = field(default_factory=dict[tuple[str, str], Result])
    """Results of children of an earlier run, by `Ask.key`; these are not run again."""

    steps: tuple[Step, ...] = ()
    """Steps of the root in an earlier run that is resumed; the free author continues from them."""

    length: Length | None = None
    """Of a summary."""

    at_once: ClassVar[int] = AT_ONCE
    batches_type: ClassVar[type[Batches]] = Batches

    def root(self, question: str, view: View, context_tokens: int, budget: Budget) -> Result:
        """Run the root, and with it all other nodes, to the end."""
        node = self.log.node(NodeStart(question))
        return self._node(question, view, context_tokens, budget, Voice(self.listener, node, None, 0)).run()

    def children(self, parent: Voice, turn: int, budget: Budget, asks: Sequence[Ask]) -> list[Result]:
        """Run the children of a node, each on its share of the ledger.

        Raises:
            HostCallRefused: no depth is left.
            Refused: they would cost more than is left.
            Cancelled, DeadlineExceeded: by `cancel`, once all have ended.
        """
        depth = parent.depth + 1
        if depth > budget.limits.depth:
            raise HostCallRefused(
                f"no child below depth {budget.limits.depth}: look with code, or ask the model itself"
            )
        sizes = [ask.view.tokens(self.model.count) for ask in asks]
        needs = [self._least(ask, size) for ask, size in zip(asks, sizes, strict=True)]
        with budget.shares(self._shares(needs, budget, deeper=depth < budget.limits.depth)) as ledgers:
            nodes: list[Node | KeptNode] = []
            for ask, size, ledger in zip(asks, sizes, ledgers, strict=True):
                known = self.kept.get(ask.key)
                part = {**ask.seen_by(), "kept": True} if known else ask.seen_by()
                share = {"tokens": ledger.limits.tokens, "calls": ledger.limits.calls, "nodes": ledger.limits.nodes}
                start = NodeStart(ask.question, parent.node, depth, turn, part, share)
                say = Voice(self.listener, self.log.node(start), parent.node, depth, ask.label)
                if known:
                    nodes.append(KeptNode(ask.question, known, self.log, say))
                else:
                    nodes.append(self._node(ask.question, ask.view, size, ledger, say))
            with ThreadPoolExecutor(self.at_once, thread_name_prefix="rlm-local-node") as threads:
                results = [*threads.map(_run, nodes)]
        self.cancel.check()
        return results

    def _least(self, ask: Ask, size: int) -> Price:
        """What a child needs at least that looks at so many tokens; the free author's children always write cells."""
        window = self.model.n_ctx
        return least(size, window) if author_of(self.policy) == "free" else ask.least(size, window)

    def _shares(self, needs: Sequence[Price], budget: Budget, *, deeper: bool) -> list[Price]:
        """A share for each child: what it needs at least, and a part of the rest in proportion to that.

        Raises:
            Refused: what they need together is more than what is left.
        """
        left = budget.left
        needed = sum(needs, Price(0, 0))
        if not needed.within(left):
            raise Refused(needed, left)
        spare = Price(left.tokens - left.tokens // _KEPT, left.calls - left.calls // _KEPT, left.nodes) - needed
        weights = [price.tokens / needed.tokens for price in needs]
        return [
            price
            + Price(
                max(0, int(spare.tokens * weight)),
                max(0, int(spare.calls * weight)),
                int(spare.nodes * weight) if deeper else 0,
            )
            for price, weight in zip(needs, weights, strict=True)
        ]

    # ---- a node's parts

    def _node(self, question: str, view: View, context_tokens: int, budget: Budget, say: Voice) -> Node:
        with budget.reserve(Price(0, 0, 1)) as receipt:
            receipt.nodes = 1
        schema = self.schema if say.parent is None else None
        batches = self.batches_type(self.model, budget, self.cancel, self.log, say)
        broker = Broker(batches, view, Passages(view), self.children, schema)
        return Node(
            question=question,
            view=view,
            context_tokens=context_tokens,
            model=self.model,
            author=self._author(question, view, budget, say),
            broker=broker,
            budget=budget,
            cancel=self.cancel,
            log=self.log,
            say=say,
            open_session=partial(self._open_session, view, budget),
        )

    def _author(self, question: str, view: View, budget: Budget, say: Voice) -> Author:
        child = say.parent is not None
        match author_of(self.policy):
            case "direct":
                return DirectAuthor(self.model, view)
            case "free":
                author = free_author(question, view, self.model, budget, None if child else self.schema)
                return author if child else KeptSteps(self.steps, author)
            case _:
                if view.stretches:
                    return NotesAuthor()
                if child and not view.shape.fields:
                    return DocumentAuthor()
                return programs_author(question, view, self.model, self.sandbox, budget, self.policy, self.length)

    def _open_session(self, view: View, budget: Budget, broker: Broker) -> Session:
        seconds = min(_CELL_SECONDS, max(1.0, budget.limits.seconds - budget.seconds))
        return open_session(view, self.sandbox, seconds, broker.calls())


def _run(node: Node | KeptNode) -> Result:
    return node.run()


def author_of(policy: Policy) -> str:
    """The author that goes with a policy: "direct" and "free" have their own, all others guide "programs"."""
    return policy.name if policy.name in ("direct", "free") else "programs"
