"""Calibration: taking off what a model says whatever it is shown.

A small model leans to some options before it has read anything, and so strongly that zero-shot choices among six
labels are half as good as they could be. Two estimates of that lean need no labels: what the model says of prompts
with nothing in the item's place (contextual calibration, Zhao et al. 2021, arXiv 2102.09690), and what it says on
average over the items at hand (batch calibration, Zhou et al. 2023, arXiv 2309.17249). The first goes too far where
there are worked examples, the second where one option is truly more common, so half of each is taken; and the fewer
the items, the less their average counts. What was fitted on labelled items is a plain bias, and is added first.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rlm_local.models.logits import log_sum_exp, normalise
from rlm_local.models.result import Scores, Usage

_FEW = 20.0  # items whose average counts half of that of many; set on TREC's six labels, as were the halves


def calibrated(scores: Sequence[Scores], neutral: Sequence[Scores], bias: Sequence[float] | None) -> list[Scores]:
    """Scores with `biased` filled.

    Args:
        scores: of the items, as the model gave them.
        neutral: of the same prompts with nothing in the item's place; what they cost is added to the first of
            `scores`. Without them there is no label-free calibration.
        bias: fitted on labelled items, one an option, in nats.

    Raises:
        ValueError: the bias is not one finite number for each option.
    """
    if not scores:
        return []
    raw = np.array([each.logprobs for each in scores])
    lean = np.zeros(raw.shape[1])
    if bias is not None:
        if len(bias) != len(lean) or not np.isfinite(bias).all():
            raise ValueError(f"the bias must be {len(lean)} finite numbers, one an option, not {list(bias)}")
        raw = raw + np.asarray(bias)
    if neutral:
        share = 0.5 * len(scores) / (len(scores) + _FEW)
        lean = 0.5 * _average(np.array([each.logprobs for each in neutral])) + share * _average(raw)
    result = [
        replace(each, biased=tuple(normalise(row - lean).tolist())) for each, row in zip(scores, raw, strict=True)
    ]
    spent = sum((each.usage for each in neutral), Usage())
    return [replace(result[0], usage=result[0].usage + spent), *result[1:]]


def _average(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log of the options' average probabilities over normalised rows."""
    logs = np.array([normalise(row) for row in rows])
    return np.array([log_sum_exp(column) for column in logs.T]) - np.log(len(rows))
