"""Questions with known answers as a benchmark: the same questions under one policy or several, side by side."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import mean, median, quantiles
from typing import Any

from rlm_local.bench.scoring import Task, score
from rlm_local.engine.answer import Answer, Ended, Usage
from rlm_local.errors import RlmLocalError

Ask = Callable[[Task, str], Answer]
"""Asks one question under a policy, given by name. RlmLocalError is a miss; whatever else it raises ends the
benchmark."""

_Z = 1.959964  # of a two-sided interval of 95 %


@dataclass(frozen=True)
class Result:
    """One question, asked under one policy. Tokens are those evaluated and generated."""

    id: str
    kind: str
    question: str
    expected: str
    policy: str
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
    """How well some questions were answered: mean score and its 95 % interval, and what one cost.

    Tokens (evaluated and generated), calls and seconds are means per question where the name says nothing else.
    """

    n: int
    score: float
    low: float
    high: float
    tokens: float
    tokens_median: float
    tokens_p95: float
    calls: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """A line of the report: a kind of questions, or all of them, under one policy."""

    kind: str
    policy: str
    share: Share


def ask_all(tasks: Sequence[Task], ask: Ask, policies: Sequence[str], known: Sequence[Result] = ()) -> Iterator[Result]:
    """Policy by policy, the results in the order of the tasks; those already known are not asked.

    Direct calls over the same paths follow one another, the most asked first: their text is evaluated once.
    """
    seen = {(result.id, result.policy): result for result in known}
    asked = Counter(task.paths for task in tasks)
    for policy in policies:
        order = sorted(tasks, key=lambda task: (-asked[task.paths], task.paths)) if policy == "direct" else tasks
        for task in order:
            yield seen.get((task.id, policy)) or ask_one(task, policy, ask)


def report(results: Sequence[Result]) -> list[Row]:
    """A row per kind and policy, in the order of first appearance, and last those of all kinds, `all`.

    Where several actions were forced, there is an oracle: of each question, the best that any of them came to, and
    among equals the cheapest.
    """
    results = [*results, *_oracle([result for result in results if result.policy.startswith("forced:")])]
    named = dict.fromkeys((result.kind, result.policy) for result in results)
    rows = [Row(*name, share([r for r in results if (r.kind, r.policy) == name])) for name in named]
    policies = dict.fromkeys(result.policy for result in results)
    return [*rows, *(Row("all", policy, share([r for r in results if r.policy == policy])) for policy in policies)]


def _oracle(forced: Sequence[Result]) -> list[Result]:
    if len({result.policy for result in forced}) < 2:
        return []
    best: dict[str, Result] = {}
    for result in sorted(forced, key=lambda result: (-result.score, result.tokens)):
        best.setdefault(result.id, result)
    return [replace(best[name], policy="oracle") for name in dict.fromkeys(result.id for result in forced)]


def wilson(mean: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a mean of n scores between 0 and 1 (Wilson 1927). For scores between, it is on the safe
    side: no others spread more than those that are 0 or 1."""
    if n == 0:
        return 0.0, 1.0
    centre = (mean + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * math.sqrt(mean * (1 - mean) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def ask_one(task: Task, policy: str, ask: Ask) -> Result:
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


def share(results: Sequence[Result]) -> Share:
    """Of at least one result."""
    score = mean(result.score for result in results)
    low, high = wilson(score, len(results))
    tokens = [result.tokens for result in results]
    return Share(
        n=len(results),
        score=score,
        low=low,
        high=high,
        tokens=mean(tokens),
        tokens_median=median(tokens),
        tokens_p95=quantiles(tokens, n=20, method="inclusive")[-1] if len(tokens) > 1 else tokens[0],
        calls=mean(result.calls for result in results),
        seconds=mean(result.seconds for result in results),
    )
