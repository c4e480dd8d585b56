"""Calibration: biases that make a model's option logits agree with what was right, and how well they agree then."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rlm_policy.action import Action
from rlm_policy.decision import biased

_PENALTY = 1.0
"""Weight of the penalty, half the square of a bias: biases are expected to be about one nat, and few labels move them
only a little."""

_STEPS = 500
_RATE = 0.5
_BINS = 10


@dataclass(frozen=True)
class Labelled:
    """A decision whose right action is known: the cheapest that solved the task."""

    logprobs: Mapping[Action, float]
    label: Action


@dataclass(frozen=True)
class Reliability:
    """How well the probabilities of decisions agree with what was right.

    Attributes:
        n: how many decisions.
        accuracy: the share in which the likeliest action was right.
        log_loss: minus the log probability of the right action, in nats, on average.
        error: expected calibration error: how far the probability of the likeliest action is from the share in which it
            was right, on average over ten bins of equal width (Guo et al., arXiv 1706.04599).
    """

    n: int
    accuracy: float
    log_loss: float
    error: float


def fit(decisions: Sequence[Labelled]) -> dict[Action, float]:
    """Biases in nats for each action, zero on average, by penalised maximum likelihood; empty without decisions."""
    usable = [decision for decision in decisions if decision.label in decision.logprobs]
    actions = sorted({action for decision in usable for action in decision.logprobs}, key=[*Action].index)
    bias = dict.fromkeys(actions, 0.0)
    for _ in range(_STEPS if usable else 0):
        slope = {action: -_PENALTY * nats / len(usable) for action, nats in bias.items()}
        for decision in usable:
            for action, logprob in biased(decision.logprobs, bias).items():
                slope[action] += ((action is decision.label) - math.exp(logprob)) / len(usable)
        bias = {action: nats + _RATE * slope[action] for action, nats in bias.items()}
    middle = sum(bias.values()) / max(1, len(bias))
    return {action: nats - middle for action, nats in bias.items()}


def reliability(decisions: Sequence[Labelled], bias: Mapping[Action, float]) -> Reliability:
    """How reliable the probabilities are with these biases. A label that was not among the options counts as 1e-9."""
    right, loss = 0, 0.0
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for decision in decisions:
        likely = biased(decision.logprobs, bias)
        best = max(likely, key=likely.__getitem__)
        hit = best is decision.label
        right += hit
        loss -= max(likely.get(decision.label, -math.inf), math.log(1e-9))
        sure = math.exp(likely[best])
        bins[min(_BINS - 1, int(sure * _BINS))].append((sure, hit))
    n = len(decisions)
    error = sum(abs(sum(sure for sure, _ in each) - sum(hit for _, hit in each)) for each in bins)
    return Reliability(n, right / n, loss / n, error / n) if n else Reliability(0, 0.0, 0.0, 0.0)
