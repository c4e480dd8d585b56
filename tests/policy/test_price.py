import json
import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rlm_policy import Action, Cost, Dial, Prompted, State, expected_costs, price_biases, read_price
from tests.policy.test_rules import state

logits = st.floats(-20, 20)
actions = st.sampled_from(Action)
costs = st.dictionaries(actions, st.builds(Cost, st.integers(0, 10**7), st.integers(0, 10**6)), min_size=1)
prices = st.floats(0, 10)
situations = st.builds(
    state,
    context_tokens=st.integers(0, 10**7),
    window_tokens=st.integers(1, 10**5),
    documents=st.integers(1, 10**4),
    items=st.integers(0, 10**5),
    items_tokens=st.integers(0, 10**7),
    depth_left=st.integers(0, 3),
    tokens_left=st.integers(-5, 10**6),
)


def chosen(scores: dict[Action, float], costs: dict[Action, Cost], price: float) -> Action:
    charges = price_biases(costs, price)
    return max((action for action in Action if action in costs), key=lambda a: scores[a] + charges[a])


@given(
    st.fixed_dictionaries({action: st.integers(-20, 20) for action in Action}),
    costs,
    st.integers(0, 50),
    st.integers(1, 50),
)
def test_raising_the_price_never_raises_the_number_of_calls(
    scores: dict[Action, float], costs: dict[Action, Cost], low: int, rise: int
) -> None:
    low_price, high_price = low / 16, (low + rise) / 16
    assert costs[chosen(scores, costs, high_price)].calls <= costs[chosen(scores, costs, low_price)].calls


@given(st.dictionaries(actions, logits, min_size=1), situations, prices, prices)
def test_the_dial_of_a_prompted_policy_never_raises_calls(
    own: dict[Action, float], situation: State, one: float, other: float
) -> None:
    costs = expected_costs(situation)
    opened = {action: logprob for action, logprob in own.items() if action in costs}
    assume(opened)
    low, high = sorted((one, other))
    dear = Prompted(price=high).decide(situation, opened)
    cheap = Prompted(price=low).decide(situation, opened)
    for decision in (dear, cheap):  # what rounding decides is no decision
        assume(all(b - a > 1e-6 for a, b in pairwise(sorted(decision.biased.values()))))
    assert costs[dear.action].calls <= costs[cheap.action].calls


@given(costs, prices)
def test_a_price_takes_off_and_more_calls_are_never_the_cheaper(costs: dict[Action, Cost], price: float) -> None:
    charges = price_biases(costs, price)
    assert all(charge <= 0 for charge in charges.values())
    for a in costs:
        for b in costs:
            assert costs[a].calls > costs[b].calls or charges[a] >= charges[b]


def test_names_of_prices_run_from_dear_to_free() -> None:
    named = [dial.price for dial in Dial]
    assert named == sorted(named, reverse=True)
    assert named[-1] == 0
    assert [read_price(text) for text in ("conservative", "0.25", "0")] == [0.5, 0.25, 0.0]


@pytest.mark.parametrize("text", ["cheap", "-1", "nan", "inf", ""])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no price"):
        read_price(text)


def test_what_actions_cost_follows_from_the_state() -> None:
    costs = expected_costs(
        state(context_tokens=5_000, window_tokens=8_000, items=100, items_tokens=5_000, depth_left=1, documents=3)
    )
    assert costs[Action.ANSWER] == Cost(5_000, 1)
    assert costs[Action.MAP] == Cost(300 + 100 * (50 + 16), 101)
    assert costs[Action.RECURSE] == Cost(300 * 3 + 5_000, 5)
    long = expected_costs(state(context_tokens=9_000, window_tokens=8_000))
    assert long == {Action.SEARCH: Cost(1_600, 2), Action.MAP: Cost(300 + 9_000 + 3 * 16, 4)}


@pytest.mark.parametrize(
    ("changes", "opened"),
    [
        ({}, True),
        ({"context_tokens": 100}, True),
        ({"depth": 1, "depth_left": 1, "context_tokens": 9_000}, True),
        ({"depth": 1, "depth_left": 1, "context_tokens": 100}, False),
        ({"depth": 2, "depth_left": 0}, False),
    ],
)
def test_depth_is_bounded_and_earned(changes: dict[str, object], opened: bool) -> None:
    usual = {"depth_left": 2, "context_tokens": 50_000, "window_tokens": 8_000}
    assert (Action.RECURSE in expected_costs(state(**{**usual, **changes}))) is opened


@given(st.dictionaries(actions, logits, min_size=1), st.dictionaries(actions, logits))
def test_a_prompted_decision_says_what_it_was_before_and_after_the_bias(
    own: dict[Action, float], calibration: dict[Action, float]
) -> None:
    decision = Prompted(calibration, price=0.0).decide(state(), own)
    assert decision.logprobs == own
    assert math.isclose(sum(math.exp(logprob) for logprob in decision.biased.values()), 1.0)
    best = max(own[a] + calibration.get(a, 0.0) for a in own)
    assert math.isclose(own[decision.action] + calibration.get(decision.action, 0.0), best, abs_tol=1e-9)
    assert json.loads(json.dumps(decision.data())) == decision.data()


def test_calibration_and_price_move_a_decision() -> None:
    own = {Action.SEARCH: math.log(0.4), Action.MAP: math.log(0.6)}
    situation = state(context_tokens=90_000, items=400, items_tokens=40_000, fields=3)
    assert Prompted(price=0.0).decide(situation, own).action is Action.MAP
    assert Prompted({Action.SEARCH: 1.0}, price=0.0).decide(situation, own).action is Action.SEARCH
    dear = Prompted(price=Dial.CONSERVATIVE.price).decide(situation, own)
    assert dear.action is Action.SEARCH
    assert dear.bias[Action.MAP] == pytest.approx(-0.5 * (300 + 400 * 116) / 1000)


def test_nothing_open_is_no_decision() -> None:
    with pytest.raises(ValueError, match="no action is open"):
        Prompted().decide(state(), {})


def test_derived_features_are_in_the_log() -> None:
    features = state(
        context_tokens=1_000, window_tokens=8_000, items=40, items_tokens=1_000, tokens_left=500
    ).features()
    assert (features["fill"], features["item_tokens"], features["load"]) == (0.125, 25.0, 2.0)
    assert state(items=0).item_tokens == 0
