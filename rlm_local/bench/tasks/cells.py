"""Results averaged by kind, length and policy, and as a table for other programs."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from statistics import mean, median, quantiles

from rlm_local.bench.examples import Result, wilson
from rlm_local.bench.tasks.kinds import read_size


@dataclass(frozen=True)
class Cell:
    """One kind and length under one policy.

    `length` is in tokens; low and high are the score's 95 % interval; tokens (evaluated and generated), calls and
    seconds are means per question where the name says nothing else.
    """

    kind: str
    length: int
    policy: str
    n: int
    score: float
    low: float
    high: float
    tokens: float
    tokens_median: float
    tokens_p95: float
    calls: float
    seconds: float


def cells(results: Sequence[Result]) -> list[Cell]:
    """A cell for each kind, length and policy, in the order of first appearance."""
    named = dict.fromkeys((result.kind, result.policy) for result in results)
    return [_cell(*name, [result for result in results if (result.kind, result.policy) == name]) for name in named]


def to_csv(results: Sequence[Result]) -> str:
    """A line for each cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Cell)], lineterminator="\n")
    writer.writeheader()
    for cell in cells(results):
        rounded = {name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(cell).items()}
        writer.writerow(rounded)
    return text.getvalue()


def _cell(name: str, policy: str, results: Sequence[Result]) -> Cell:
    kind, length = name.split(" ")
    tokens = [result.tokens for result in results]
    score = mean(result.score for result in results)
    low, high = wilson(score, len(results))
    return Cell(
        kind=kind,
        length=read_size(length),
        policy=policy,
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
