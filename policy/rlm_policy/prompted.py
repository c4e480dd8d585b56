"""The policy that follows the model's own option logits, corrected by biases."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rlm_policy.action import Action
from rlm_policy.decision import Decision
from rlm_policy.price import Dial, priced
from rlm_policy.rules import Rules
from rlm_policy.state import State


@dataclass(frozen=True)
class Prompted:
    """Takes the action that is likeliest after calibration and price.

    Args:
        calibration: nats for each action, fitted on labelled decisions; 0 for an action that is absent.
        price: of a thousand tokens, in nats.
        sizes: settles what size alone can settle: thresholds are up to code, not to a model.
        adapters: names and scales of LoRA adapters.
    """

    calibration: Mapping[Action, float] = field(default_factory=dict[Action, float])
    price: float = Dial.BALANCED.price
    sizes: Rules = field(default_factory=Rules)
    adapters: Mapping[str, float] = field(default_factory=dict[str, float])
    name: str = "prompted"

    def settle(self, state: State) -> Decision | None:
        """See `Policy.settle`."""
        return self.sizes.settle(state)

    def decide(self, state: State, logprobs: Mapping[Action, float]) -> Decision:
        """See `Policy.decide`."""
        return priced(state, logprobs, self.price, self.calibration)
