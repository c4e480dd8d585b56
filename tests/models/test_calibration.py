import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.models import Scores, Usage
from rlm_local.models.calibration import calibrated
from rlm_local.models.logits import normalise

OPTIONS = ("a", "b", "c")
rows = st.tuples(*[st.floats(-20, 0)] * 3)


def scored(*rows: tuple[float, ...], usage: Usage | None = None) -> list[Scores]:
    normal = [tuple(normalise(np.array(row)).tolist()) for row in rows]
    return [Scores(OPTIONS, row, row, usage or Usage(10)) for row in normal]


@given(st.lists(rows, min_size=1, max_size=5))
def test_nothing_to_calibrate_by_changes_nothing(given: list[tuple[float, ...]]):
    scores = scored(*given)
    for before, after in zip(scores, calibrated(scores, [], None), strict=True):
        assert np.allclose(before.logprobs, after.biased)
        assert (after.logprobs, after.usage) == (before.logprobs, before.usage)


def test_no_scores_nothing_to_do():
    assert calibrated([], scored((0, 0, 0)), [1.0]) == []


def test_a_lean_that_hides_the_answers_is_taken_off():
    """All items read as b; the items that are less so are the others."""
    items = [(-3.0, -0.2, -4.0)] * 30 + [(-4.0, -0.2, -2.0)] * 30 + [(-5.0, -0.01, -5.0)] * 30
    scores = calibrated(scored(*items), scored((-5.0, -0.02, -5.0)), None)
    assert [score.best for score in scores] == ["a"] * 30 + ["c"] * 30 + ["b"] * 30
    assert {score.logprobs.index(max(score.logprobs)) for score in scores} == {1}


@given(st.lists(rows, min_size=1, max_size=5), rows)
def test_calibrated_scores_are_probabilities_in_order(given: list[tuple[float, ...]], lean: tuple[float, ...]):
    scores = calibrated(scored(*given), scored(lean), [0.5, 0.0, -0.5])
    assert [score.logprobs for score in scores] == [score.logprobs for score in scored(*given)]
    assert all(np.isclose(np.exp(score.biased).sum(), 1.0) for score in scores)


def test_a_fitted_bias_is_added():
    [score] = calibrated(scored((-1.0, -1.0, -1.0)), [], [0.0, 2.0, 0.0])
    assert score.biased[1] - score.biased[0] == pytest.approx(2.0)


def test_the_first_pays_for_the_neutral_prompts():
    scores = calibrated(scored((0, 0, 0), (0, 0, 0)), scored((0, 0, 0), (0, 0, 0), usage=Usage(3, 4)), None)
    assert [score.usage for score in scores] == [Usage(16, 8), Usage(10)]


@pytest.mark.parametrize("bias", [[0.0], [0.0] * 4, [0.0, float("nan"), 0.0], [0.0, 0.0, float("inf")]])
def test_a_bias_that_does_not_fit_is_refused(bias: list[float]):
    with pytest.raises(ValueError, match="bias"):
        calibrated(scored((0, 0, 0)), [], bias)
