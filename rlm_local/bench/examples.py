"""Questions with known answers as a benchmark: to the engine and, for comparison, to the same model directly."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rlm_local.bench.scoring import Task, score
from rlm_local.engine.answer import Answer, Ended, Usage
from rlm_local.errors import RlmLocalError

Policy = Literal["rules", "direct"]
Ask = Callable[[Task, Policy], Answer]
"""Asks one question under a policy. RlmLocalError is a miss, whatever else it raises ends the benchmark."""

_Z = 1.959964  # of a two-sided interval of 95 %


@dataclass(frozen=True)
class Result:
    """One question, asked under one policy. Tokens are those evaluated and generated."""

    id: str
    kind: str
    question: str
    expected: str
    policy: Policy
    run_id: str
    answer: str
    found: bool
    ended: str
    error: str
    score: float
    tokens: int
    seconds: float
    calls: int = 0
    """Calls of the model; files of results from before it was counted do not have it."""

    def data(self) -> dict[str, Any]:
        """Plain data, a line of the results file."""
        return asdict(self)


@dataclass(frozen=True)
class Share:
    """How well some questions were answered: mean score, its 95 % interval; tokens, calls, seconds per question."""

    n: int
    score: float
    low: float
    high: float
    tokens: float
    calls: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """A line of the report: a kind of questions, or all of them. `direct` is None where that was not asked."""

    kind: str
    engine: Share
    direct: Share | None


def ask_all(tasks: Sequence[Task], ask: Ask, *, direct: bool, known: Sequence[Result] = ()) -> Iterator[Result]:
    """The engine's results in the order of the tasks, then the direct ones; those already known are not asked.

    Direct calls over the same paths follow one another, the most asked first: their text is evaluated once.
    """
    seen = {(result.id, result.policy): result for result in known}
    asked = Counter(task.paths for task in tasks)
    grouped = sorted(tasks, key=lambda task: (-asked[task.paths], task.paths)) if direct else []
    passes: tuple[tuple[Policy, Sequence[Task]], ...] = (("rules", tasks), ("direct", grouped))
    for policy, order in passes:
        for task in order:
            yield seen.get((task.id, policy)) or ask_one(task, policy, ask)


def report(results: Sequence[Result]) -> list[Row]:
    """A row per kind, in the order of first appearance, and a last one, `all`."""
    kinds = list(dict.fromkeys(result.kind for result in results))
    rows = [_row(kind, [result for result in results if result.kind == kind]) for kind in kinds]
    return [*rows, _row("all", results)] if results else []


def wilson(mean: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a mean of n scores between 0 and 1 (Wilson 1927). For scores between, it is on the safe
    side: no others spread more than those that are 0 or 1."""
    if n == 0:
        return 0.0, 1.0
    centre = (mean + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * math.sqrt(mean * (1 - mean) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def ask_one(task: Task, policy: Policy, ask: Ask) -> Result:
    """One question, asked and scored."""
    try:
        answer = ask(task, policy)
    except RlmLocalError as error:
        answer = Answer("", task.question, "", False, Ended.ERROR, (), Usage(), "", policy, str(error))
    return Result(
        id=task.id,
        kind=task.kind,
        question=task.question,
        expected=", ".join(task.answer) if isinstance(task.answer, tuple) else str(task.answer),
        policy=policy,
        run_id=answer.run_id,
        answer=answer.answer,
        found=answer.found,
        ended=str(answer.ended),
        error=answer.error,
        score=0.0 if answer.ended is Ended.ERROR else score(task, answer.answer, answer.found),
        tokens=answer.usage.prompt_tokens + answer.usage.completion_tokens,
        seconds=answer.usage.seconds,
        calls=answer.usage.leaf_calls,
    )


def _row(kind: str, results: Sequence[Result]) -> Row:
    engine = [result for result in results if result.policy == "rules"]
    direct = [result for result in results if result.policy == "direct"]
    return Row(kind, _share(engine), _share(direct) if direct else None)


def _share(results: Sequence[Result]) -> Share:
    n = len(results)
    sums = map(sum, zip(*((r.score, r.tokens, r.calls, r.seconds) for r in results), strict=True))
    score, tokens, calls, seconds = (total / n for total in sums) if n else (0.0,) * 4
    return Share(n, score, *wilson(score, n), tokens, calls, seconds)
