"""Replay: the cells of a run, run again in the sandbox over the same documents, with the log in the model's place.

What a model wrote (decisions, plans, cells, replies) comes from the log. What the program made of it is done again:
how documents are read, the prompts of leaf calls, the ledger, what cells print, how the run ends. It must come out
byte for byte, and the first thing that does not is told, with its place.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, TypeVar, cast

from rlm_local.corpus import Corpus
from rlm_local.engine.answer import Ended
from rlm_local.engine.broker import Broker, plain
from rlm_local.engine.budget import Budget, Limits, Price
from rlm_local.engine.events import Voice, ignore
from rlm_local.engine.reading import Reading
from rlm_local.engine.run import Run
from rlm_local.errors import UsageError
from rlm_local.log import CallBatch, CallKind, CallRecord, RunLog, RunRecord, TurnEnd, TurnRecord
from rlm_local.models import Cancel, Generation, Model, Scores, Usage
from rlm_policy import Prompted
from rlm_sandbox import Image

_T = TypeVar("_T")
_OF_THE_CLOCK = frozenset(("seconds",))
"""What no two runs have in common."""

_BY_CHANCE = frozenset(("time", "killed", "worker", "run"))
"""What ends a cell from outside: the clock, a signal, a call that broke or was cancelled."""


@dataclass(frozen=True)
class Divergence:
    """The first thing that came out otherwise than logged."""

    place: str
    logged: str
    now: str


@dataclass(frozen=True)
class Replayed:
    """How far a replay came: turns and leaf calls that were done again, and what was not as logged, if anything.

    `left_out` says why the rest was not done again: what a clock, a signal or a crash ended has no second time.
    """

    turns: int
    calls: int
    divergence: Divergence | None
    left_out: str


def replay(record: RunRecord, corpus: Corpus, count: Callable[[str], int], image: Image) -> Replayed:
    """Run a logged run again, without a model.

    Args:
        corpus: of the same documents.
        count: tokens of a text, by the vocabulary of the run's model: prompts are cut and priced by it.

    Raises:
        UsageError: the documents are not those of the run.
        SandboxError: the sandbox does not start.
    """
    now = hashlib.sha256(corpus.context.encode("utf-8", "surrogatepass")).hexdigest()
    if now != record.start.context_sha256:
        raise UsageError(
            f"the documents are not what run {record.run_id} was asked of: their sha256 is {now[:12]}, "
            f"not {record.start.context_sha256[:12]}",
            remedy="Name the paths of the documents as they were",
        )
    if len(record.nodes) > 1:
        raise UsageError(f"run {record.run_id} has child nodes", remedy="Runs of one node can be replayed")
    start = record.start
    again = _Replay(
        question=start.question,
        corpus=corpus,
        sources=start.sources,
        context_tokens=corpus.tokens(count),
        model=cast("Model", _WithoutModel(start.model, count)),
        model_sha256=start.model_sha256,
        image=image,
        policy=Prompted(name=start.policy),  # it decides nothing: decisions are in the log
        budget=Budget(Limits(**start.limits)),
        tell=ignore,
        task_id=start.task_id,
        record=record,
    )
    return again.again()


def difference(logged: object, now: object, place: str) -> Divergence | None:
    """The first place where two dataclasses or values of plain data differ, but for seconds."""
    before, after = dict(_leaves(logged, place)), dict(_leaves(now, place))
    for at in {**before, **after}:
        if at not in before or at not in after or before[at] != after[at]:
            return Divergence(
                at, repr(before[at]) if at in before else "none", repr(after[at]) if at in after else "none"
            )
    return None


def _leaves(value: object, place: str) -> Iterator[tuple[str, object]]:
    """What stands in a value, each with its place."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            if key not in _OF_THE_CLOCK:
                yield from _leaves(item, f"{place}, {key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(cast("Sequence[object]", value), 1):
            yield from _leaves(item, f"{place} {number}")
    else:
        yield place, value


class _Diverged(Exception):  # noqa: N818  not a failure: what a replay is for
    def __init__(self, divergence: Divergence) -> None:
        super().__init__(divergence.place)
        self.divergence = divergence


@dataclass(frozen=True)
class _WithoutModel:
    """As much of a `Model` as a replay has: its name and its vocabulary."""

    name: str
    count: Callable[[str], int]


class _NoLog(RunLog):
    """Keeps nothing: what it would is in the log already."""

    def __init__(self) -> None:
        self.run_id = ""

    def calls(self, turn: int, kind: CallKind, calls: Sequence[CallRecord], seconds: float) -> None:
        """Leaf calls, forgotten."""


@dataclass
class _LoggedBroker(Broker):
    """A broker whose leaf calls are answered from the log of the turn that is running."""

    left: Iterator[tuple[int, CallBatch]] = field(default_factory=lambda: iter(()))
    place: str = ""
    answered: int = 0

    def _batch(
        self,
        batch: Any,
        run: Callable[[Callable[[int], None]], list[_T]],  # noqa: ARG002  (the model's part)
        data: Callable[[_T], dict[str, Any]],
    ) -> list[_T]:
        return cast("list[_T]", super()._batch(batch, lambda _done: self._from_log(batch), cast("Any", data)))

    def _from_log(self, batch: Any) -> list[Any]:
        number, logged = next(self.left, (0, None))
        if logged is None:
            raise _Diverged(Divergence(self.place, "no more calls", f"{len(batch.prompts)} {batch.kind} calls"))
        asked = [
            {"messages": [plain(m) for m in prompt.messages], "prefill": prompt.prefill, "options": batch.options}
            for prompt in batch.prompts
        ]
        _same(_requests(logged), {"kind": batch.kind, "call": asked}, f"{self.place}, batch {number}")
        self.answered += len(logged.calls)
        return [_result(logged.kind, call) for call in logged.calls]


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
            return Reading(result["answer"], result["found"], evidence, (stated, not_stated), usage)
        case _:
            return Scores(call.options, tuple(result["logprobs"]), tuple(result["biased"]), usage)


def _usage(call: CallRecord) -> Usage:
    return Usage(call.prompt_tokens - call.cached_tokens, call.cached_tokens, call.completion_tokens)


@dataclass
class _Replay(Run):
    """A run whose turns are those of a record."""

    record: RunRecord = field(kw_only=True)

    def again(self) -> Replayed:
        """Does the turns again, and then the answer."""
        silent = Voice(ignore, 0, None, 0)
        broker = _LoggedBroker(self.model, self.corpus, self.passages, self.budget, Cancel(), _NoLog(), silent)
        try:
            _same(self.record.start.context_tokens, self.context_tokens, "context_tokens")
            left_out = self._turns(broker) or self._end(broker)
        except _Diverged as diverged:
            return Replayed(broker.turn, broker.answered, diverged.divergence, "")
        return Replayed(broker.turn, broker.answered, None, left_out)

    def _turns(self, broker: _LoggedBroker) -> str:
        """Runs every cell; or says why it stopped before one."""
        turns = self.record.nodes[0].turns if self.record.nodes else ()
        spent = _spent_on_planning(self.record, turns)
        session = self._open_session(broker)
        try:
            for number, (turn, (tokens, calls)) in enumerate(zip(turns, spent, strict=True), 1):
                if turn.end is None or turn.end.stopped in _BY_CHANCE:
                    return f"turn {number} was stopped: {turn.end.stopped if turn.end else 'its process died'}"
                with self.budget.reserve(Price(0, 0)) as receipt:
                    receipt.tokens, receipt.calls = tokens, calls
                if not session.alive:
                    session = self._open_session(broker)
                broker.place, broker.left = f"turn {number}", iter([*enumerate(turn.batches, 1)])
                result = session.run(turn.start.cell)
                _same(turn.end, TurnEnd(result.output, result.error, result.stopped, 0.0), f"turn {number}")
                for batch, logged in broker.left:
                    raise _Diverged(Divergence(f"turn {number}, batch {batch}", f"{len(logged.calls)} calls", "none"))
                broker.turn = number
        finally:
            session.close()
        return ""

    def _end(self, broker: _LoggedBroker) -> str:
        """Ends the run; or says why its end cannot be done again."""
        answer = self.record.answer
        if answer is None:
            return "it never came to its end"
        if answer.ended not in (Ended.ANSWERED, Ended.BUDGET):
            return f"it ended as {answer.ended}"
        error = answer.error if answer.ended is Ended.BUDGET else ""  # of the author, whose last word is not logged
        _same(answer, self._answer(answer.run_id, broker, Ended.BUDGET if error else Ended.ANSWERED, error), "answer")
        return ""


def _same(logged: object, now: object, place: str) -> None:
    if found := difference(logged, now, place):
        raise _Diverged(found)


def _spent_on_planning(record: RunRecord, turns: Sequence[TurnRecord]) -> list[tuple[Usage, int]]:
    """What the author's own calls cost in each turn: what the ledger says less what the leaf calls say.

    The log has no other account of it. How tokens divide into prompt and reply is known for the run as a whole, and
    settled in the last turn.
    """
    leaves = [sum((_usage(call) for batch in turn.batches for call in batch.calls), Usage()) for turn in turns]
    calls = [sum(len(batch.calls) for batch in turn.batches) for turn in turns]
    limits, total = record.start.limits, record.answer.usage if record.answer else None
    left = [(turn.start.state["tokens_left"], turn.start.state["calls_left"]) for turn in turns]
    spent = [
        (
            Usage(prompt_tokens=tokens - next_tokens - leaf.prompt_tokens - leaf.completion_tokens),
            made - next_made - count,
        )
        for (tokens, made), (next_tokens, next_made), leaf, count in zip(left, left[1:], leaves, calls, strict=False)
    ]
    if turns and total:
        before, own = sum((usage for usage, _ in spent), Usage()), sum(leaves, Usage())
        last = Usage(
            total.prompt_tokens - own.prompt_tokens - before.prompt_tokens,
            0,
            total.completion_tokens - own.completion_tokens,
        )
        spent.append((last, total.leaf_calls - (limits["calls"] - left[-1][1]) - calls[-1]))
    return [*spent, *[(Usage(), 0)] * (len(turns) - len(spent))]
