import numpy as np

from rlm_training.intervals import interval


def test_the_interval_of_a_mean_is_about_two_standard_errors_wide() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 400).tolist()
    found = interval(values)
    assert found.mean == float(np.mean(values))
    assert abs((found.high - found.low) - 2 * 1.96 * 2.0 / 400**0.5) < 0.05


def test_without_spread_there_is_no_width() -> None:
    found = interval([0.5] * 9)
    assert (found.mean, found.low, found.high) == (0.5, 0.5, 0.5)
    assert interval([]).mean == 0.0
