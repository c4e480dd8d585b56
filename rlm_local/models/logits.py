"""Logits: the scores of all tokens as the next, and what is computed from them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]  # one for each token of the vocabulary


def log_sum_exp(values: NDArray[np.floating]) -> float:
    """log(sum(exp(values))), safe from overflow: what turns a logit into a log probability when subtracted."""
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum(dtype=np.float64)))


def normalise(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log scores, shifted so that their probabilities add up to 1."""
    return scores - log_sum_exp(scores)


def likeliest(logits: Logits, count: int) -> NDArray[np.int64]:
    """The `count` likeliest tokens, best first."""
    if count == 1:
        return np.array([logits.argmax()])
    chosen = np.argpartition(-logits, count - 1)[:count] if count < len(logits) else np.arange(len(logits))
    return chosen[np.argsort(-logits[chosen], kind="stable")]


def in_turn(logits: Logits, count: int) -> Iterator[int]:
    """The `count` likeliest tokens, one by one: the first, which is nearly always taken, costs no sorting."""
    first = int(logits.argmax())
    yield first
    yield from (token for token in likeliest(logits, count).tolist() if token != first)
