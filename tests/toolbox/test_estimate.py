"""Samples and what they say of all rows."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.toolbox.estimate import Estimate, draw, mean, share, total

_AT_LEAST = 0.93


def _held(estimates: Callable[[random.Random, int], tuple[Estimate | None, float]], times: int = 200) -> float:
    """In what share of samples the interval holds the truth."""
    generator, held = random.Random(5), 0
    for seed in range(times):
        found, truth = estimates(generator, seed)
        held += found is not None and found.low <= truth + 1e-9 and truth - 1e-9 <= found.high
    return held / times


@pytest.mark.parametrize("portion", [0.01, 0.3, 0.95])
@pytest.mark.parametrize(("rows", "size"), [(4_000, 200), (300, 150), (90, 60)])
def test_counts_lie_in_their_intervals(portion: float, rows: int, size: int) -> None:
    def one(generator: random.Random, seed: int) -> tuple[Estimate, float]:
        holds = [int(generator.random() < portion) for _ in range(rows)]
        strata = draw(rows, size, None, seed)
        values = {row: holds[row] for stratum in strata for row in stratum.drawn}
        return total(strata, values, None, rows), sum(holds)

    assert _held(one) >= _AT_LEAST


@pytest.mark.parametrize(("portion", "spread"), [(0.05, 0.3), (0.3, 1.5), (0.9, 2.5)])
def test_sums_lie_in_their_intervals_however_skewed_the_weights(portion: float, spread: float) -> None:
    def one(generator: random.Random, seed: int) -> tuple[Estimate, float]:
        weights = [generator.lognormvariate(0, spread) for _ in range(1_500)]
        adds = [weight if generator.random() < portion else 0.0 for weight in weights]
        strata = draw(len(weights), 150, weights, seed)
        values = {row: adds[row] for stratum in strata for row in stratum.drawn}
        return total(strata, values, weights, len(weights)), sum(adds)

    assert _held(one) >= _AT_LEAST


@pytest.mark.parametrize(("portion", "spread"), [(0.3, 0.8), (0.9, 0.3)])
def test_means_lie_in_their_intervals(portion: float, spread: float) -> None:
    def one(generator: random.Random, seed: int) -> tuple[Estimate | None, float]:
        values = [generator.lognormvariate(0, spread) if generator.random() < portion else None for _ in range(1_500)]
        (stratum,) = draw(len(values), 150, None, seed)
        counted = [value for value in values if value is not None]
        sampled = [value for row in stratum.drawn if (value := values[row]) is not None]
        return mean(sampled, len(stratum.drawn), len(values)), sum(counted) / len(counted)

    assert _held(one) >= _AT_LEAST


@given(st.integers(1, 400), st.data())
def test_intervals_hold_the_estimate_and_close_when_all_is_seen(rows: int, data: st.DataObject) -> None:
    sampled = data.draw(st.integers(1, rows))
    found = share(data.draw(st.integers(0, sampled)), sampled, rows)
    assert 0 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1
    assert sampled < rows or found.low == found.value == found.high


@given(st.lists(st.floats(-1e6, 1e6) | st.just(0.0), min_size=1, max_size=120), st.integers(1, 150), st.integers(0, 9))
def test_strata_hold_each_row_of_weight_once_and_draw_from_themselves(
    weights: list[float], size: int, seed: int
) -> None:
    strata = draw(len(weights), size, weights, seed)
    held = [row for stratum in strata for row in stratum.rows]
    assert sorted(held) == [row for row, weight in enumerate(weights) if weight]
    for stratum in strata:
        assert len(set(stratum.drawn)) == len(stratum.drawn) > 0
        assert set(stratum.drawn) <= set(stratum.rows)


def test_a_sum_of_which_all_rows_are_seen_is_the_sum() -> None:
    weights = [5.0, -2.0, 0.0, 1.0]
    strata = draw(4, 4, weights, 0)
    found = total(strata, {0: 5.0, 1: 0.0, 3: 1.0}, weights, 4)
    assert (found.low, found.value, found.high) == (6.0, 6.0, 6.0)


def test_the_same_rows_are_drawn_again() -> None:
    assert draw(1000, 50, None, 7) == draw(1000, 50, None, 7) != draw(1000, 50, None, 8)


def test_too_few_values_have_no_mean() -> None:
    assert mean([1.5, 2.5], 100, 1000) is None
    assert mean([1.5, 2.5], 5, 5) == Estimate(2.0, 2.0, 2.0, 5, 5)
