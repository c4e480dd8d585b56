import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rlm_local.models.logits import in_turn, likeliest, log_sum_exp, normalise

rows = arrays(np.float32, st.integers(2, 40), elements=st.floats(-50, 50, width=32))


def test_large_logits_do_not_overflow():
    assert np.isclose(log_sum_exp(np.array([1000.0, 1000.0])), 1000.0 + np.log(2))


@given(rows)
def test_normalised_scores_are_probabilities(row: np.ndarray):
    assert np.isclose(np.exp(normalise(row.astype(np.float64))).sum(), 1.0)


@given(rows, st.data())
def test_the_likeliest_tokens_come_first(row: np.ndarray, data: st.DataObject):
    count = data.draw(st.integers(1, len(row)))
    best = sorted(row.tolist(), reverse=True)[:count]
    assert row[likeliest(row, count)].tolist() == best


@given(rows)
def test_each_token_has_its_turn_once(row: np.ndarray):
    tokens = list(in_turn(row, len(row)))
    assert sorted(tokens) == list(range(len(row)))
    assert row[tokens].tolist() == sorted(row.tolist(), reverse=True)
