"""Intervals of means by the bootstrap: tasks are drawn again and again from those that were asked."""

from collections.abc import Sequence

import numpy as np

from rlm_policy import Interval

_DRAWS = 4_000


def interval(values: Sequence[float], seed: int = 0) -> Interval:
    """The mean and its 95 % interval (percentiles of the means of resamples); of paired differences, as a rule."""
    if not values:
        return Interval(0.0, 0.0, 0.0)
    drawn = np.random.default_rng(seed).choice(np.asarray(values, np.float64), (_DRAWS, len(values)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return Interval(float(np.mean(values)), float(low), float(high))
