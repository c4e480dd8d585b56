"""Replay: the cells of a run are run again over the same documents, with the log in place of the model.

What a model wrote (decisions, cells, replies) comes from the log. What our program did is done again: reading the
documents, making the prompts of leaf calls, booking costs, running cells, ending the run. All of it has to come out
byte for byte; the first difference is reported with its place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from rlm_local.collection.view import View
from rlm_local.engine.answer import Ended
from rlm_local.engine.author import Author, Step, Turn
from rlm_local.engine.batches import Batch, Batches, plain
from rlm_local.engine.budget import Budget, Limits, Price
from rlm_local.engine.child import Ask
from rlm_local.engine.divergence import Diverged, Divergence, same
from rlm_local.engine.events import Voice, ignore
from rlm_local.engine.free import FREE_VERSION
from rlm_local.engine.kept import kept_in
from rlm_local.engine.node import OutOfTurns
from rlm_local.engine.reading import Reading
from rlm_local.engine.result import Result
from rlm_local.engine.run import Run
from rlm_local.engine.tree import Tree
from rlm_local.engine.typed import AnswerSchema
from rlm_local.errors import UsageError
from rlm_local.log import (
    CallBatch,
    CallKind,
    CallRecord,
    NodeRecord,
    NodeStart,
    RunLog,
    RunRecord,
    RunStart,
    TurnEnd,
    TurnRecord,
    TurnStart,
)
from rlm_local.log.record import Data
from rlm_local.models import Cancel, Generation, Message, Model, Prompt, Scores, Usage
from rlm_policy import Decision, Prompted, State
from rlm_sandbox import Image, Pool

_T = TypeVar("_T")
_BY_CHANCE = frozenset(("time", "killed", "worker", "run"))
"""Reasons to stop a cell that come from outside: the clock, a signal, a call that broke or was cancelled."""


@dataclass(frozen=True)
class Replayed:
    """How far a replay came.

    Attributes:
        turns, calls: how many turns and leaf calls were done again.
        divergence: the first difference from the log, if there is one.
        left_out: why the rest was not done again, if it was not: what a clock, a signal or a crash ended cannot be
            repeated.
    """

    turns: int
    calls: int
    divergence: Divergence | None
    left_out: str


def replay(record: RunRecord, view: View, count: Callable[[str], int], sandbox: Image | Pool) -> Replayed:
    """Run a logged run again, with its children, without a model.

    Args:
        view: the same documents.
        count: how many tokens a text has for the run's model; prompts are cut and priced by it.

    Raises:
        UsageError: the documents have changed, or the run's author no longer exists.
        SandboxError: the sandbox does not start.
    """
    check_author(record)
    now = view.sha256
    start = record.start
    if now != start.context_sha256:
        raise UsageError(
            f"the documents are not what run {record.run_id} was asked of: their sha256 is {now[:12]}, "
            f"not {start.context_sha256[:12]}",
            remedy="Name the paths of the documents as they were",
        )
    turns = [turn for node in record.nodes for turn in node.turns]
    if any(turn.start.spent is None for turn in turns):
        raise UsageError(f"run {record.run_id} is of an older rlm-local, which logged too little to replay it")
    window = turns[0].start.state["window_tokens"] if turns else 0
    model = cast("Model", _WithoutModel(start.model, window, count))
    log = _Checking(record)
    policy = Prompted(name=start.policy)  # it decides nothing: decisions are in the log
    schema = AnswerSchema(start.answer_schema) if start.answer_schema is not None else None
    tree = _LoggedTree(model, sandbox, policy, Cancel(), log, ignore, schema, kept_in(record))
    run = Run(
        question=start.question,
        view=view,
        sources=start.sources,
        context_tokens=view.tokens(count),
        model=model,
        model_sha256=start.model_sha256,
        sandbox=sandbox,
        policy=policy,
        budget=Budget(Limits(**start.limits)),
        tell=ignore,
    )
    _book_understanding(start, run.budget)
    try:
        same(start.context_tokens, run.context_tokens, "context_tokens")
        result = tree.root(run.question, view, run.context_tokens, run.budget)
        if record.answer:
            same(record.answer, run.answer_of(record.run_id, result), "answer")
        left_out = "" if record.answer else "it never came to its end"
    except Diverged as diverged:
        return Replayed(log.turns, log.calls_made, diverged.divergence, "")
    except _LeftOut as left:
        left_out = str(left)
    return Replayed(log.turns, log.calls_made, None, left_out)


def check_author(record: RunRecord) -> None:
    """Check that the tools for which the cells of a run were written still exist.

    Raises:
        UsageError: the run's author no longer exists, or it is the free author of an older version.
    """
    start = record.start
    if start.author == "guided" or (start.author == "free" and start.prompt_version != FREE_VERSION):
        raise UsageError(
            f"run {record.run_id} is of the author {start.author} of an older rlm-local: its cells cannot be run again",
            remedy=f"`rlm-local runs show {record.run_id}` shows it; ask the question again for an answer of today",
        )


def _book_understanding(start: RunStart, budget: Budget) -> None:
    """Book what it cost to rewrite a follow-up."""
    call = (start.understood or {}).get("call")
    if call:
        with budget.reserve(Price(0, 0)) as receipt:
            receipt.tokens = Usage(call["prompt_tokens"] - call["cached_tokens"], 0, call["completion_tokens"])
            receipt.calls = 1


class _LeftOut(Exception):  # noqa: N818  not a failure: what has no second time
    pass


@dataclass(frozen=True)
class _WithoutModel:
    """As much of a `Model` as a replay has: its name, its window and its vocabulary."""

    name: str
    n_ctx: int
    count: Callable[[str], int]


def _requests(batch: CallBatch) -> dict[str, Any]:
    calls = [{"messages": call.messages, "prefill": call.prefill, "options": call.options} for call in batch.calls]
    return {"kind": batch.kind, "call": calls}


def _result(kind: str, call: CallRecord) -> Scores | Generation | Reading:
    """What the model gave, from what was logged of it."""
    result = call.result
    usage = _usage(call)
    match kind:
        case "query":
            return Generation(result["text"], (), (), result["logprob"], "stop", usage)
        case "extract":
            evidence = tuple((start, end) for start, end in result["evidence"])
            stated, not_stated = result["logprobs"]
            return Reading(
                result["answer"], result["found"], evidence, (stated, not_stated), usage, result.get("passage")
            )
        case _:
            return Scores(call.options, tuple(result["logprobs"]), tuple(result["biased"]), usage)


def _usage(call: CallRecord) -> Usage:
    return Usage(call.prompt_tokens - call.cached_tokens, call.cached_tokens, call.completion_tokens)


class _Checking(RunLog):
    """A log that compares what it is given with what is logged, in place of writing it."""

    def __init__(self, record: RunRecord) -> None:
        self.run_id = record.run_id
        self.turns = self.calls_made = 0
        self._nodes = {node.id: node for node in record.nodes}
        self._places = {node.id: "" if node.parent is None else f"node {n}, " for n, node in enumerate(record.nodes, 1)}
        self._new = [*record.nodes]
        self._left = {node.id: [*node.turns] for node in record.nodes}
        self._turn_of: dict[int, tuple[TurnRecord, str]] = {}
        self._batches: dict[int, list[CallBatch]] = {}

    def node(self, start: NodeStart) -> int:
        """The next node of the same parent."""
        logged = next((node for node in self._new if node.parent == start.parent), None)
        if logged is None:
            raise Diverged(Divergence("nodes", "no more nodes", start.question))
        self._new.remove(logged)
        same(logged.start, start, f"{self._places[logged.id]}start")
        return logged.id

    def of(self, node: int) -> tuple[NodeRecord, str]:
        """A node, and how its place is called."""
        return self._nodes[node], self._places[node]

    def seconds_of_last(self, parent: int, children: int) -> list[float]:
        """How long the last nodes of a parent took, as logged: these have run again."""
        ours = [node for node in self._nodes.values() if node.parent == parent and node not in self._new]
        return [(node.result or {"usage": {"seconds": 0.0}})["usage"]["seconds"] for node in ours[-children:]]

    def begin_turn(self, node: int, start: TurnStart) -> int:
        """The node's next turn."""
        logged, before = self._left[node].pop(0), self._places[node]
        place = f"{before}turn {len(self._nodes[node].turns) - len(self._left[node])}"
        same(logged.start, start, place)
        self._turn_of[logged.id], self._batches[logged.id] = (logged, place), [*logged.batches]
        return logged.id

    def seconds_left(self, turn: int) -> float:
        """What was left when the turn's cell began."""
        start = self._turn_of[turn][0].start
        return start.state["seconds_left"] - (start.spent or {}).get("seconds", 0.0)

    def next_batch(self, turn: int) -> tuple[CallBatch | None, str]:
        """The turn's next batch of leaf calls, and how its place is called."""
        place, left = self._turn_of[turn][1], self._batches[turn]
        number = len(self._turn_of[turn][0].batches) - len(left) + 1
        return (left.pop(0), f"{place}, batch {number}") if left else (None, place)

    def calls(self, turn: int, kind: CallKind, calls: Sequence[CallRecord], seconds: float) -> None:  # noqa: ARG002
        """Leaf calls, which came from the log."""
        self.calls_made += len(calls)

    def end_turn(self, turn: int, output: str, error: str | None, stopped: str | None, seconds: float) -> None:
        """What the turn came to; one that this replay ends is no turn to compare."""
        logged, place = self._turn_of[turn]
        if stopped == "run":
            return
        same(logged.end, TurnEnd(output, error, stopped, seconds), place)
        for batch in self._batches[turn]:
            number = len(logged.batches) - len(self._batches[turn]) + 1
            raise Diverged(Divergence(f"{place}, batch {number}", f"{len(batch.calls)} calls", "none"))
        self.turns += 1

    def end_node(self, node: int, ended: str, result: Data) -> None:  # noqa: ARG002  (it is in the result)
        """What the node came to."""
        logged, place = self.of(node)
        same(logged.result, result, f"{place}result")


@dataclass
class _LoggedBatches(Batches):
    """Batches that are answered from the log of the turn that is running, and take as long as they took then."""

    _seconds: float = 0.0

    def begin(self, turn: int, seconds_left: float) -> None:  # noqa: ARG002 - the log has it
        """A turn's cell begins, with as many seconds left as there were."""
        super().begin(turn, self._log.seconds_left(turn))

    def run(
        self,
        batch: Batch,
        ask: Callable[[Callable[[int], None]], list[_T]],  # noqa: ARG002  (the model's part)
        data: Callable[[_T], dict[str, Any]],
    ) -> list[_T]:
        """See `Batches.run`; what the model said is in the log."""
        return cast("list[_T]", super().run(batch, lambda _done: self._from_log(batch), cast("Any", data)))

    def took(self, started: float) -> float:  # noqa: ARG002
        """Seconds of the batch, then."""
        return self._seconds

    def _from_log(self, batch: Batch) -> list[Any]:
        logged, place = self._log.next_batch(self.turn)
        if logged is None:
            raise Diverged(Divergence(place, "no more calls", f"{len(batch.prompts)} {batch.kind} calls"))
        asked = [
            {"messages": [plain(m) for m in prompt.messages], "prefill": prompt.prefill, "options": batch.options}
            for prompt in batch.prompts
        ]
        same(_requests(logged), {"kind": batch.kind, "call": asked}, place)
        self._seconds = logged.seconds
        return [_result(logged.kind, call) for call in logged.calls]

    @property
    def _log(self) -> _Checking:
        return cast("_Checking", self.log)


@dataclass
class _LoggedAuthor:
    """Gives a node the cells that the log has, and books what writing them cost."""

    node: NodeRecord
    place: str
    budget: Budget

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:  # noqa: ARG002
        """The next logged cell.

        Raises:
            _LeftOut: what came next was ended by the clock, a signal or a crash.
        """
        if len(turns) == len(self.node.turns):
            return self._end()
        turn = self.node.turns[len(turns)]
        if turn.end is None or turn.end.stopped in _BY_CHANCE:
            why = turn.end.stopped if turn.end else "its process died"
            raise _LeftOut(f"{self.place}turn {len(turns) + 1} was stopped: {why}")
        start, spent = turn.start, turn.start.spent or {}
        self._book(Usage(spent["prompt_tokens"], 0, spent["completion_tokens"]), spent["calls"])
        return Step(
            decision=Decision.of(start.decision),
            cell=start.cell,
            prompt=_prompt(start),
            prompt_ids=tuple(start.prompt_ids),
            completion_ids=tuple(start.completion_ids),
            text=start.text,
            plan=start.plan,
        )

    def _end(self) -> None:
        """Ends as the node did, after what its author spent on nothing."""
        if self.node.result is None:
            raise _LeftOut(f"{self.place}never came to its end" if self.place else "it never came to its end")
        ended, usage, spent = self.node.result["ended"], self.node.result["usage"], self.budget.spent
        if ended not in (Ended.ANSWERED, Ended.BUDGET):
            raise _LeftOut(f"{self.place or 'it '}ended as {ended}")
        prompt = usage["prompt_tokens"] - spent.prompt_tokens
        self._book(
            Usage(prompt, 0, usage["completion_tokens"] - spent.completion_tokens),
            usage["leaf_calls"] - self.budget.calls,
        )
        if ended == Ended.BUDGET:
            raise OutOfTurns(self.node.result["error"])

    def _book(self, usage: Usage, calls: int) -> None:
        with self.budget.reserve(Price(0, 0)) as receipt:
            receipt.tokens, receipt.calls = usage, calls


class _LoggedTree(Tree):
    """A tree whose nodes are those of a record, one after another."""

    at_once = 1
    batches_type = _LoggedBatches

    def children(self, parent: Voice, turn: int, budget: Budget, asks: Sequence[Ask]) -> list[Result]:
        """See `Tree.children`; they take as long as they took then."""
        results = super().children(parent, turn, budget, asks)
        took = cast("_Checking", self.log).seconds_of_last(parent.node, len(asks))
        return [
            replace(result, usage=replace(result.usage, seconds=seconds))
            for result, seconds in zip(results, took, strict=True)
        ]

    def _author(self, question: str, view: View, budget: Budget, say: Voice) -> Author:  # noqa: ARG002
        return _LoggedAuthor(*cast("_Checking", self.log).of(say.node), budget)


def _prompt(start: TurnStart) -> Prompt | None:
    messages = tuple(Message(message["role"], message["content"]) for message in start.messages)
    return Prompt(messages, prefill=start.prefill) if messages else None
