import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.models.logits import normalise
from rlm_local.models.options import Options

tokens = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple)
option_sets = st.lists(tokens, min_size=1, max_size=12, unique=True)


def next_token(path: tuple[int, ...]) -> np.ndarray:
    """A made-up language model over four words: log probabilities of the next, given the path."""
    random = np.random.default_rng([len(path), *path])
    return normalise(random.normal(size=5))[:4]  # the fifth is everything else


def test_distinct_first_tokens_need_one_evaluation():
    options = Options([(1, 9, 9), (2, 9), (3,)])
    [branch] = options.branches
    assert branch.path == ()
    assert branch.children == (1, 2, 3)
    row = np.log([0.2, 0.2, 0.1])
    assert np.allclose(np.exp(options.logprobs([row])), [0.4, 0.4, 0.2])


def test_options_that_share_a_start_are_told_apart_where_they_part():
    options = Options([(1, 2), (1, 3), (4,)])
    assert [branch.path for branch in options.branches] == [(), (1,)]
    rows = [np.log([0.5, 0.5]), np.log([0.25, 0.75])]
    assert np.allclose(np.exp(options.logprobs(rows)), [0.125, 0.375, 0.5])


def test_an_option_that_others_begin_with_gets_what_they_leave():
    options = Options([(1,), (1, 2)])
    rows = [np.log([1.0]), np.log([0.3])]
    assert np.allclose(np.exp(options.logprobs(rows)), [0.7, 0.3])


@given(option_sets)
def test_scores_are_a_distribution_and_agree_with_the_chain_rule(option_set: list[tuple[int, ...]]):
    options = Options(option_set)
    rows = [next_token(branch.path)[list(branch.children)] for branch in options.branches]
    scores = options.logprobs(rows)
    assert np.isclose(np.exp(scores).sum(), 1.0)

    def probability(option: tuple[int, ...]) -> float:
        rivals = [other for other in option_set if other != option]
        total = 0.0
        for depth in range(len(option)):
            if not any(other[:depth] == option[:depth] for other in rivals):
                return total
            total += next_token(option[:depth])[option[depth]]
        longer = {other[len(option)] for other in rivals if other[: len(option)] == option}
        left = 1.0 - np.exp(next_token(option)[list(longer)]).sum() if longer else 1.0
        return total + np.log(left)

    assert np.allclose(scores, normalise(np.array([probability(option) for option in option_set])))


@pytest.mark.parametrize("bad", [[], [()], [(1,), ()], [(1,), (1,)]])
def test_options_must_be_there_and_differ(bad: list[tuple[int, ...]]):
    with pytest.raises(ValueError, match="options must"):
        Options(bad)
