"""Compares a policy with the untrained model on held-out tasks, beside other policies and the oracle."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from rlm_local.bench import plot
from rlm_local.bench.examples import Result, ask_one
from rlm_local.bench.scoring import Task
from rlm_local.engine.answer import Answer
from rlm_local.log import SOLVED, RunStore
from rlm_policy import Interval, Policy, Report
from rlm_training.errors import EvaluationError
from rlm_training.intervals import interval
from rlm_training.tasks import Make, TrainingTask
from rlm_training.trajectories import State, cost_of, decision_of

BEFORE = "prompted"
ORACLE = "oracle"
_DEAR = ("each row", "each document", "notes")
"""Decisions that ask the model about every row or document."""

_SHORT = "short"

Ask = Callable[[TrainingTask, str | Policy], Answer]


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation. `detail` is plain data: a row per policy, and decisions against the oracle's."""

    report: Report
    detail: Mapping[str, Any]


def ask_held_out(
    tasks: Iterable[tuple[str, Make]], policies: Sequence[str | Policy], ask: Ask, known: Sequence[Result]
) -> Iterator[Result]:
    """Yields the result of each held-out task, policy by policy; tasks with a known result are not asked.

    The first task is asked twice, and the second time counts, because the beginning of the prompts is paid only once.
    """
    seen = {(result.id, result.policy) for result in known}
    left = list(tasks)
    for policy in policies:
        name = policy if isinstance(policy, str) else policy.name
        cold = True
        for known_as, make in list(left):
            if (known_as, name) in seen:
                continue
            with make() as task:
                if task.split != "held-out":
                    left.remove((known_as, make))
                    continue
                seen.add((task.id, name))
                if cold:
                    ask(task, policy)
                    cold = False
                yield ask_one(task.task, name, partial(_ask_of, ask, task, policy))


def _ask_of(ask: Ask, task: TrainingTask, policy: str | Policy, _task: Task, _name: str) -> Answer:
    return ask(task, policy)


def oracle(states: Iterable[State], tasks: Mapping[str, Result], store: RunStore) -> list[Result]:
    """For each task, the result of the best alternative, the cheapest among equals, as if it had been asked."""
    found: list[Result] = []
    for state in states:
        if state.branch not in tasks or not state.alternatives:
            continue
        best = min(state.alternatives, key=lambda a: (-a.outcome.score, a.cost))
        answer = store.get(best.outcome.run_id).answer
        if answer is None:
            continue
        row = asdict(tasks[state.branch])
        usage = answer.usage
        row |= {
            "policy": ORACLE,
            "run_id": answer.run_id,
            "answer": answer.answer,
            "found": answer.found,
            "ended": str(answer.ended),
            "score": best.outcome.score,
            "tokens": usage.prompt_tokens + usage.completion_tokens,
            "seconds": usage.seconds,
            "calls": usage.leaf_calls,
        }
        found.append(Result(**row))
    return found


def compare(results: Sequence[Result], after: str, states: Iterable[State], store: RunStore) -> Evaluation:
    """Evaluates the policy with a name.

    Raises:
        EvaluationError: no held-out task was asked both before and after.
    """
    by_policy: dict[str, dict[str, Result]] = {}
    for result in results:
        by_policy.setdefault(result.policy, {})[result.id] = result
    before, new = by_policy.get(BEFORE, {}), by_policy.get(after, {})
    paired = [(before[task], new[task]) for task in new if task in before]
    if not paired:
        raise EvaluationError(
            "no held-out task was asked both before and after", remedy="Ask more tasks: some have to be held out"
        )
    known = {state.branch: state for state in states}
    for result in oracle(known.values(), new, store):
        by_policy.setdefault(ORACLE, {})[result.id] = result
    short = [(b, a) for b, a in paired if a.kind.split(" ")[0] == _SHORT]
    decided = {policy: _decided(by_policy[policy].values(), known, store) for policy in (BEFORE, after)}
    report = Report(
        tasks=len(paired),
        score=interval([a.score - b.score for b, a in paired]),
        tokens=interval([float(a.tokens - b.tokens) for b, a in paired]),
        valid=decided[after]["valid"],
        short_tasks=len(short),
        short_score=sum(a.score - b.score for b, a in short) / max(1, len(short)),
    )
    rows = [_row(policy, list(own.values())) for policy, own in by_policy.items()]
    return Evaluation(report, {"policies": rows, "decisions": decided})


def _row(policy: str, results: Sequence[Result]) -> dict[str, Any]:
    return {
        "policy": policy,
        "n": len(results),
        "score": asdict(interval([r.score for r in results])),
        "tokens": asdict(interval([float(r.tokens) for r in results])),
        "calls": sum(r.calls for r in results) / len(results),
        "seconds": sum(r.seconds for r in results) / len(results),
    }


def _decided(results: Iterable[Result], states: Mapping[str, State], store: RunStore) -> dict[str, Any]:
    """Compares first decisions with the cheapest that solves, and counts the turns that could be carried out.

    A decision that was not tried while collecting, but solves as cheaply, is right, too.
    """
    confusion: Counter[tuple[str, str]] = Counter()
    turns = valid = 0
    for result in results:
        if not result.run_id:
            turns += 1
            continue
        record = store.get(result.run_id)
        own = [turn for node in record.nodes for turn in node.turns]
        turns += len(own)
        valid += sum(bool(turn.end and not turn.end.error) for turn in own)
        state = states.get(result.id)
        if state and state.best and own:
            taken = decision_of(own[0])
            as_good = result.score >= SOLVED and cost_of(record) <= state.best.cost
            confusion[taken if as_good else state.best.decision, taken] += 1
    n = confusion.total()
    return {
        "n": n,
        "accuracy": sum(count for (right, taken), count in confusion.items() if right == taken) / max(1, n),
        "over": sum(count for (right, taken), count in confusion.items() if taken in _DEAR and right not in _DEAR),
        "under": sum(count for (right, taken), count in confusion.items() if taken not in _DEAR and right in _DEAR),
        "confusion": [{"right": r, "taken": t, "n": count} for (r, t), count in confusion.most_common()],
        "valid": valid / max(1, turns),
    }


def to_svg(detail: Mapping[str, Any]) -> str:
    """A plot of score against tokens, with a point and its interval for each policy."""
    lines = [
        plot.Line(row["policy"], [_point(Interval(**row["tokens"]), Interval(**row["score"]))], colour=number)
        for number, row in enumerate(detail["policies"])
    ]
    panel = plot.Panel("score, with its 95 % interval", "tokens of a question", lines, shares=True)
    return plot.to_svg([panel], lambda tokens: f"{tokens:,.0f}")


def _point(tokens: Interval, score: Interval) -> plot.Point:
    return plot.Point(max(1.0, tokens.mean), score.mean, score.low, score.high)
