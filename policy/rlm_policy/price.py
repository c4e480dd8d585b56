"""The price of a thousand tokens: one dial from thrifty to lavish, the same for every policy."""

from collections.abc import Mapping
from enum import StrEnum

from rlm_policy.action import Action
from rlm_policy.cost import Cost, expected_costs
from rlm_policy.decision import Decision, biased
from rlm_policy.state import State


class Dial(StrEnum):
    """Names for prices, the highest first: conservative spends least."""

    CONSERVATIVE = "conservative"
    BALANCED = "balanced"
    AGGRESSIVE = "aggressive"

    @property
    def price(self) -> float:
        """The price in nats for a thousand tokens."""
        return _PRICES[self]


_PRICES = {Dial.CONSERVATIVE: 0.5, Dial.BALANCED: 0.05, Dial.AGGRESSIVE: 0.0}
"""Round numbers, a factor of ten apart. At 0.05, a map of 40,000 tokens must be seven times likelier than a search."""


def read_price(text: str) -> float:
    """A price as a person writes it: a name of the dial, or nats for a thousand tokens.

    Raises:
        ValueError: it is neither, or negative.
    """
    try:
        price = Dial(text).price if text in [*Dial] else float(text)
    except ValueError:
        price = -1.0
    if not 0.0 <= price < float("inf"):
        raise ValueError(f"{text!r} is no price: {', '.join(Dial)}, or nats for a thousand tokens")
    return price


def price_biases(costs: Mapping[Action, Cost], price: float) -> dict[Action, float]:
    """What a price adds to the log probability of each action, in nats: zero or less.

    An action is charged for its tokens, but never less than an action with fewer calls, because a call takes time that
    its tokens do not show. So a higher price never leads to an action with more calls, whatever the log probabilities.

    Args:
        price: in nats for a thousand tokens, not negative.
    """
    charged = {
        action: max(other.tokens for other in costs.values() if other.calls <= cost.calls)
        for action, cost in costs.items()
    }
    return {action: -price * tokens / 1000 for action, tokens in charged.items()}


def priced(
    state: State, logprobs: Mapping[Action, float], price: float, calibration: Mapping[Action, float] | None = None
) -> Decision:
    """Take the action that is likeliest after calibration and price, both in nats; if equal, the first in `Action`.

    Raises:
        ValueError: no action has a log probability.
    """
    if not logprobs:
        raise ValueError("no action is open")
    costs = expected_costs(state)
    charges = price_biases(costs, price)
    bias = {action: (calibration or {}).get(action, 0.0) + charges.get(action, 0.0) for action in logprobs}
    likely = biased(logprobs, bias)
    best = max((action for action in Action if action in likely), key=likely.__getitem__)
    return Decision(best, dict(logprobs), bias, costs=costs)
