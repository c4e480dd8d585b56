import math

import pytest

from rlm_policy import Action, Decision, Forced, Policy, Prompted, Recurse, Rules, expected_costs, named
from tests.policy.test_rules import state

OWN = {Action.SEARCH: math.log(0.3), Action.MAP: math.log(0.1), Action.RECURSE: math.log(0.6)}


@pytest.mark.parametrize("name", ["rules", "prompted", "direct", "recurse", "free", "forced:MAP", "forced:SEARCH,MAP"])
def test_policies_go_by_the_names_that_the_log_has(name: str) -> None:
    policy = named(name, 0.1)
    assert isinstance(policy, Policy)
    assert policy.name == name


@pytest.mark.parametrize("name", ["", "rule", "rules:MAP", "forced", "forced:", "forced:MAP,LOOK"])
def test_other_names_are_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(ValueError, match="there are "):
        named(name)


def test_a_price_reaches_the_policies_that_weigh_options() -> None:
    assert named("rules", 0.3) == Rules(price=0.3)
    assert named("rules").decide(state(), OWN).bias[Action.MAP] == 0
    assert named("prompted", 0.0) == Prompted(price=0.0)
    assert named("recurse", 0.3) == Recurse(Rules(price=0.3))


def test_rules_look_and_never_recurse() -> None:
    assert named("rules").decide(state(), OWN).action is Action.SEARCH
    assert named("prompted", 0.0).decide(state(), OWN).action is Action.RECURSE


def test_recurse_goes_down_as_far_as_depth_is_left_and_earned() -> None:
    policy = named("recurse")
    assert policy.settle(state(depth_left=1, context_tokens=100)) is None
    assert policy.decide(state(depth_left=1), OWN).action is Action.RECURSE
    fits = policy.settle(state(depth=1, depth_left=1, context_tokens=5000))
    assert fits is not None
    assert fits.action is Action.ANSWER
    assert policy.settle(state(depth=1, depth_left=1, context_tokens=50_000)) is None
    assert policy.decide(state(), {Action.SEARCH: 0.0}).action is Action.SEARCH


def test_direct_answers_always() -> None:
    settled = named("direct").settle(state(context_tokens=10**7))
    assert settled is not None
    assert settled.action is Action.ANSWER


def test_forced_actions_are_the_roots_one_for_each_turn_and_the_rest_is_another_policys() -> None:
    policy = named("forced:MAP,ANSWER")
    first = policy.decide(state(), OWN)
    assert first == Decision(Action.MAP, OWN, reason="forced", costs=expected_costs(state()))
    assert policy.settle(state()) is None
    second = policy.settle(state(attempt=1))
    assert second is not None
    assert second.action is Action.ANSWER
    assert policy.settle(state(attempt=1, context_tokens=9000)) is None
    assert policy.decide(state(attempt=2), OWN).action is Action.SEARCH
    assert policy.decide(state(depth=1), OWN).action is Action.SEARCH


def test_a_forced_action_that_is_not_open_is_said() -> None:
    decision = Forced((Action.RECURSE,)).decide(state(), {Action.SEARCH: -0.1, Action.MAP: -2.4})
    assert (decision.action, decision.reason) == (Action.SEARCH, "RECURSE was not open")
