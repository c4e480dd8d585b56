"""Results by kind and length as a table for other programs."""

import csv
import io
from collections.abc import Sequence
from statistics import median, quantiles

from rlm_local.bench.examples import Result, wilson

COLUMNS = (
    "kind", "length", "policy", "n", "score", "low", "high", "tokens", "tokens_median", "tokens_p95",
    "calls", "seconds",
)  # fmt: skip


def to_csv(results: Sequence[Result]) -> str:
    """A line of COLUMNS for each kind, length and policy; low and high are the score's 95 % interval.

    Tokens, calls and seconds are means per question where the name says nothing else; tokens are those evaluated and
    generated.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell, policy in dict.fromkeys((result.kind, result.policy) for result in results):
        own = [result for result in results if (result.kind, result.policy) == (cell, policy)]
        kind, length = cell.split(" ")
        tokens = [result.tokens for result in own]
        score, calls, seconds = (
            sum(values) / len(own) for values in zip(*((r.score, r.calls, r.seconds) for r in own), strict=True)
        )
        low, high = wilson(score, len(own))
        p95 = quantiles(tokens, n=20, method="inclusive")[-1] if len(own) > 1 else tokens[0]
        numbers = (score, low, high, sum(tokens) / len(own), median(tokens), p95, calls, seconds)
        writer.writerow((kind, length, policy, len(own), *(round(number, 4) for number in numbers)))
    return text.getvalue()
