"""The price of a thousand tokens: one dial from careful to lavish, the same for every policy."""

from collections.abc import Mapping
from enum import StrEnum

from rlm_policy.action import Action
from rlm_policy.cost import Cost


class Dial(StrEnum):
    """Names for prices, dearest first: conservative spends least."""

    CONSERVATIVE = "conservative"
    BALANCED = "balanced"
    AGGRESSIVE = "aggressive"

    @property
    def price(self) -> float:
        """In nats for a thousand tokens."""
        return _PRICES[self]


_PRICES = {Dial.CONSERVATIVE: 0.5, Dial.BALANCED: 0.05, Dial.AGGRESSIVE: 0.0}
"""Round numbers, a factor of ten apart: at 0.05 a map of 40,000 tokens has to be seven times likelier than a search."""


def price_biases(costs: Mapping[Action, Cost], price: float) -> dict[Action, float]:
    """What a price takes off the log probability of each action, in nats: zero or less.

    An action is charged for its tokens, and never less than one that makes fewer calls: a call takes time that its
    tokens do not show. So a higher price never leads to an action with more calls, whatever the log probabilities.

    Args:
        price: in nats for a thousand tokens, not negative.
    """
    charged = {
        action: max(other.tokens for other in costs.values() if other.calls <= cost.calls)
        for action, cost in costs.items()
    }
    return {action: -price * tokens / 1000 for action, tokens in charged.items()}
