import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_policy import Action, Labelled, fit, reliability

ACTIONS = (Action.ANSWER, Action.SEARCH, Action.MAP)


def leaning(n: int, lean: dict[Action, float]) -> list[Labelled]:
    """Decisions of a model that knows the right action, but for a lean that is always the same."""
    rng = random.Random(7)
    made: list[Labelled] = []
    for _ in range(n):
        label = rng.choice(ACTIONS)
        scores = {a: 2.0 * (a is label) + rng.gauss(0, 1) + lean.get(a, 0.0) for a in ACTIONS}
        total = math.log(sum(math.exp(score) for score in scores.values()))
        made.append(Labelled({a: score - total for a, score in scores.items()}, label))
    return made


def test_a_lean_is_taken_off_and_held_out_decisions_are_better_and_more_reliable() -> None:
    lean = {Action.SEARCH: 3.0}
    decisions = leaning(400, lean)
    train, held_out = decisions[:200], decisions[200:]
    biases = fit(train)
    assert biases[Action.SEARCH] - biases[Action.MAP] == pytest.approx(-3.0, abs=1.2)
    before, after = reliability(held_out, {}), reliability(held_out, biases)
    assert after.accuracy > before.accuracy + 0.2
    assert after.log_loss < before.log_loss / 1.5
    assert after.error < before.error / 2


def test_what_needs_no_bias_gets_next_to_none() -> None:
    assert all(abs(nats) < 0.4 for nats in fit(leaning(300, {})).values())


@given(st.lists(st.sampled_from(leaning(30, {Action.MAP: 1.0})), max_size=12))
def test_fitting_never_makes_what_it_was_fitted_on_much_worse_and_biases_balance(decisions: list[Labelled]) -> None:
    biases = fit(decisions)
    assert sum(biases.values()) == pytest.approx(0, abs=1e-9)
    before, after = reliability(decisions, {}), reliability(decisions, biases)
    assert after.n == len(decisions)
    assert after.log_loss <= before.log_loss + 1e-6
    assert 0 <= after.error <= 1


def test_few_labels_move_little_and_labels_that_were_not_open_nothing() -> None:
    one = fit([Labelled({Action.SEARCH: -0.1, Action.MAP: -2.4}, Action.MAP)])
    assert 0 < one[Action.MAP] < 3
    assert fit([Labelled({Action.SEARCH: 0.0}, Action.MAP)]) == {}
    assert fit([]) == {}
