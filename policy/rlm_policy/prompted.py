"""The model's own option logits, with biases that correct them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rlm_policy.action import Action
from rlm_policy.cost import expected_costs
from rlm_policy.decision import Decision, biased
from rlm_policy.price import price_biases
from rlm_policy.state import State


@dataclass(frozen=True)
class Prompted:
    """Takes the action that is likeliest after the bias; of equals the one with the first name in `Action`.

    Args:
        calibration: nats for each action, fitted on labelled decisions; an action that is not named has 0.
        price: of a thousand tokens, in nats.
    """

    calibration: Mapping[Action, float] = field(default_factory=dict[Action, float])
    price: float = 0.0

    def biases(self, state: State) -> dict[Action, float]:
        """What is added to each action's log probability in this state, in nats."""
        charges = price_biases(expected_costs(state), self.price)
        return {action: self.calibration.get(action, 0.0) + charges.get(action, 0.0) for action in Action}

    def decide(self, state: State, logprobs: Mapping[Action, float]) -> Decision:
        """The decision among the actions that have a log probability.

        Raises:
            ValueError: none has.
        """
        if not logprobs:
            raise ValueError("no action is open")
        bias = {action: nats for action, nats in self.biases(state).items() if action in logprobs}
        likely = biased(logprobs, bias)
        best = max((action for action in Action if action in likely), key=likely.__getitem__)
        return Decision(best, dict(logprobs), bias, reason=f"likeliest at {self.price:g} nats for a thousand tokens")
