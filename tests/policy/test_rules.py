import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_policy import Action, Decision, Rules, State


def state(**changes: object) -> State:
    usual: dict[str, object] = {
        "question": "How many?",
        "context_tokens": 1000,
        "window_tokens": 8000,
        "documents": 3,
        "items": 0,
        "items_tokens": 0,
        "fields": 0,
        "depth": 0,
        "depth_left": 0,
        "tokens_left": 100_000,
        "calls_left": 100,
        "seconds_left": 60.0,
    }
    return State(**{**usual, **changes})  # pyright: ignore[reportArgumentType]


RULES = Rules(direct_tokens=1500, record_items=8)


@pytest.mark.parametrize(
    ("changes", "settled"),
    [
        ({}, True),
        ({"context_tokens": 1500}, True),
        ({"context_tokens": 1501}, False),
        ({"items": 9, "fields": 3}, False),
        ({"items": 8, "fields": 3}, True),
        ({"items": 9, "fields": 0}, True),
        ({"attempt": 1}, False),
        ({"depth": 1, "context_tokens": 7000}, True),
        ({"depth": 1, "context_tokens": 7001}, False),
    ],
)
def test_size_settles_what_is_short_and_no_list_of_records(changes: dict[str, object], settled: bool) -> None:
    decision = RULES.settle(state(**changes))
    assert (decision is not None) is settled
    if decision is not None:
        assert decision.action is Action.ANSWER
        assert decision.propensity == 1.0


def test_first_letters_decide_between_actions() -> None:
    assert len({action[0] for action in Action}) == len(Action)


states = st.builds(
    state,
    question=st.text(max_size=20),
    context_tokens=st.integers(0, 10**9),
    window_tokens=st.integers(1, 10**6),
    attempt=st.integers(0, 12),
)


@given(states)
def test_a_state_is_plain_data_with_every_feature(state: State) -> None:
    features = state.features()
    assert json.loads(json.dumps(features)) == features
    assert features["context_tokens"] == state.context_tokens
    assert (state.fill <= 1) == (state.context_tokens <= state.window_tokens)
    assert {*State.__dataclass_fields__} < {*features}


def test_a_decision_is_plain_data() -> None:
    decision = Decision(Action.MAP, {Action.MAP: -0.1, Action.SEARCH: -2.3}, {Action.MAP: 0.5}, 0.9, "many to judge")
    data = decision.data()
    assert json.loads(json.dumps(data)) == data
    assert data["action"] == "MAP"
    assert data["logprobs"] == {"MAP": -0.1, "SEARCH": -2.3}
