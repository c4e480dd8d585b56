"""A decision, with what is needed to learn from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rlm_policy.action import Action


@dataclass(frozen=True)
class Decision:
    """The action taken, and how likely each option was.

    Log probabilities are natural, normalised over the options that were open; an action that was not open is absent.
    """

    action: Action
    logprobs: Mapping[Action, float] = field(default_factory=dict[Action, float])
    bias: Mapping[Action, float] = field(default_factory=dict[Action, float])
    propensity: float = 1.0
    """The probability with which this policy takes this action in this state; 1 for a deterministic one."""

    reason: str = ""
    """One line for a person."""

    def data(self) -> dict[str, object]:
        """Plain data, for the log."""
        return {
            "action": str(self.action),
            "logprobs": {str(a): round(p, 5) for a, p in self.logprobs.items()},
            "bias": {str(a): b for a, b in self.bias.items()},
            "propensity": round(self.propensity, 5),
            "reason": self.reason,
        }
