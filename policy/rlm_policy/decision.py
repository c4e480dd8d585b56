"""A decision, with everything that is needed to learn from it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rlm_policy.action import Action
from rlm_policy.cost import Cost


@dataclass(frozen=True)
class Decision:
    """The action that was taken, and how likely each open action was.

    Log probabilities are natural and normalised over the open actions; an action that was not open is absent.
    """

    action: Action
    logprobs: Mapping[Action, float] = field(default_factory=dict[Action, float])
    """As the model gave them, before the bias."""

    bias: Mapping[Action, float] = field(default_factory=dict[Action, float])
    propensity: float = 1.0
    """The probability with which this policy takes this action in this state; 1 for a deterministic one."""

    reason: str = ""
    """One line for a person."""

    costs: Mapping[Action, Cost] = field(default_factory=dict[Action, Cost])
    """What each open action was expected to cost."""

    @property
    def biased(self) -> dict[Action, float]:
        """The log probabilities with the bias added, normalised again; these decide."""
        return biased(self.logprobs, self.bias)

    def data(self) -> dict[str, object]:
        """Plain data, for the log. `biased` is computed from the rounded numbers, so it agrees with them."""
        logprobs = {action: round(p, 5) for action, p in self.logprobs.items()}
        bias = {action: round(b, 5) for action, b in self.bias.items()}
        return {
            "action": str(self.action),
            "logprobs": {str(a): p for a, p in logprobs.items()},
            "bias": {str(a): b for a, b in bias.items()},
            "biased": {str(a): round(p, 5) for a, p in biased(logprobs, bias).items()},
            "propensity": round(self.propensity, 5),
            "costs": {str(a): asdict(cost) for a, cost in self.costs.items()},
            "reason": self.reason,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Decision":
        """A decision from the log."""

        def by_action(name: str) -> dict[Action, float]:
            return {Action(action): value for action, value in data[name].items()}

        return cls(
            action=Action(data["action"]),
            logprobs=by_action("logprobs"),
            bias=by_action("bias"),
            propensity=data["propensity"],
            reason=data["reason"],
            costs={Action(action): Cost(**cost) for action, cost in data["costs"].items()},
        )


def biased(logprobs: Mapping[Action, float], bias: Mapping[Action, float]) -> dict[Action, float]:
    """Log probabilities with a bias added, in nats, and normalised; an action without a bias has 0."""
    shifted = {action: logprob + bias.get(action, 0.0) for action, logprob in logprobs.items()}
    if not shifted:
        return {}
    best = max(shifted.values())
    total = best + math.log(sum(math.exp(value - best) for value in shifted.values()))
    return {action: value - total for action, value in shifted.items()}
