"""States whose alternatives were tried, from the log: a query over runs and their outcomes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import mean

from rlm_local.engine.answer import Ended
from rlm_local.errors import StoreError
from rlm_local.log import SOLVED, Outcome, RunRecord, RunStore, TurnRecord
from rlm_training.errors import DataError

TOO_DEAR = "the budget was too small for it"
"""Why an alternative found nothing, for which the model is not to blame."""

_HALF_WAY = 0.5  # a score
_ASKS = ("each row", "each document", "notes")
"""Looks whose programs ask a model."""

_ASKING_TOKENS = 300
"""What a program's prompt costs, roughly, once its beginning is cached; which branch paid for caching it is chance."""


@dataclass(frozen=True)
class Alternative:
    """One alternative and its outcome. `cost` is in tokens evaluated and generated."""

    outcome: Outcome
    cost: int
    turn: TurnRecord | None
    """The turn that decided, if a model decided and its cell ended the run at once; else None."""

    why_not: str = ""
    """Why there is no such turn."""

    @property
    def solved(self) -> bool:
        return self.outcome.solved

    @property
    def decision(self) -> str:
        """Where the turn looked; without a turn, what was forced."""
        return decision_of(self.turn) if self.turn else self.outcome.forced.partition(" ")[2] or self.outcome.forced


def decision_of(turn: TurnRecord) -> str:
    """What a turn decided: where it looked; if no model was asked that, the action."""
    plan = turn.start.plan or {}
    return str(plan.get("look") or turn.start.decision["action"])


@dataclass(frozen=True)
class State:
    """A state, and the alternatives that were tried from it."""

    branch: str
    group: str
    split: str
    question: str
    alternatives: tuple[Alternative, ...]
    damaged: int = 0
    """How many of its runs cannot be read from the log."""

    lucky: frozenset[str] = frozenset()
    """Decisions whose mean score is below one half in the states of this group in which they were tried."""

    @property
    def best(self) -> Alternative | None:
        """The cheapest alternative that solves, unless by luck; if none does, the best one with more than half a score.

        A count by a judge that errs now and then is seldom exact, but judging is still the right thing to do.
        """
        sound = (a for a in self.alternatives if a.outcome.score > _HALF_WAY and a.decision not in self.lucky)
        return min(sound, key=lambda a: (-min(a.outcome.score, SOLVED), a.cost), default=None)


def states(store: RunStore, model_sha256: str, prompt_version: str) -> list[State]:
    """All states that were collected with a model and a version of the prompts, in order.

    In a single state, the wrong decision can lead to the right answer: a reading says 2, and it is 2. So a decision
    whose mean score over the questions of one wording is below one half was lucky where it solved one.

    Raises:
        DataError: a group is in both splits, because the held-out share was changed.
    """
    by_branch: dict[str, list[Outcome]] = {}
    splits: dict[str, str] = {}
    for outcome in store.outcomes(model_sha256, prompt_version):
        if splits.setdefault(outcome.group, outcome.split) != outcome.split:
            raise DataError(
                f"the group {outcome.group!r} is for training and held out at once",
                remedy="Collect with the same --held-out as before, or into another RLM_LOCAL_HOME",
            )
        by_branch.setdefault(outcome.branch, []).append(outcome)
    found: list[State] = []
    for branch, outcomes in by_branch.items():
        alternatives: list[Alternative] = []
        question, damaged = "", 0
        for outcome in outcomes:
            try:
                record = store.get(outcome.run_id)
            except (StoreError, ValueError, KeyError, TypeError):
                damaged += 1
                continue
            question = record.start.question
            alternatives.append(_alternative(outcome, record))
        first = outcomes[0]
        found.append(State(branch, first.group, first.split, question, tuple(alternatives), damaged))
    lucky = _lucky(found)
    return [replace(state, lucky=lucky[state.group]) for state in found]


def _lucky(found: Iterable[State]) -> dict[str, frozenset[str]]:
    """For each group, the decisions with a mean score below one half, taking the best score in each state."""
    reached: dict[str, dict[str, list[float]]] = {}
    for state in found:
        by_decision = reached.setdefault(state.group, {})
        for decision in {a.decision for a in state.alternatives}:
            best = max(a.outcome.score for a in state.alternatives if a.decision == decision)
            by_decision.setdefault(decision, []).append(best)
    return {
        group: frozenset(decision for decision, scores in by_decision.items() if mean(scores) < _HALF_WAY)
        for group, by_decision in reached.items()
    }


def cost_of(record: RunRecord) -> int:
    """What a run cost, in tokens evaluated and generated, whichever run paid for the prompts of its programs."""
    turns = [turn for node in record.nodes for turn in node.turns]
    calls = [call for turn in turns for batch in turn.batches for call in batch.calls]
    read = sum(call.prompt_tokens - call.cached_tokens + call.completion_tokens for call in calls)
    written = sum(int((turn.start.spent or {}).get("completion_tokens", 0)) for turn in turns)
    return read + written + _ASKING_TOKENS * sum(bool(turn.start.prompt_ids) for turn in turns)


def _alternative(outcome: Outcome, record: RunRecord) -> Alternative:
    turns, cost = record.nodes[0].turns if record.nodes else (), cost_of(record)
    if record.answer is None:
        return Alternative(outcome, cost, None, "unfinished")
    if not turns:
        dear = record.answer.ended is Ended.BUDGET
        return Alternative(outcome, cost, None, TOO_DEAR if dear else "no program could be run")
    turn = turns[0]
    plan = turn.start.plan or {}
    if not turn.start.completion_ids:
        return Alternative(outcome, cost, None, "no model decided")
    if len(turns) > 1 or plan.get("before"):
        return Alternative(outcome, cost, None, "answered by a later look")
    if plan.get("look") in _ASKS and not (turn.batches or len(record.nodes) > 1):
        return Alternative(outcome, cost, None, "its program asked no model")
    if turn.end is None or turn.end.error or turn.end.stopped:
        return Alternative(outcome, cost, None, "a cell that failed")
    return Alternative(outcome, cost, turn)
