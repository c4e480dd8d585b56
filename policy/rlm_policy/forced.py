"""One action, whatever the model would do: for collecting what each action comes to in the same state."""

from collections.abc import Mapping
from dataclasses import dataclass

from rlm_policy.action import Action
from rlm_policy.decision import Decision


@dataclass(frozen=True)
class Forced:
    """Takes its action wherever it is open."""

    action: Action

    def decide(self, logprobs: Mapping[Action, float]) -> Decision | None:
        """The decision, with the model's own log probabilities beside it; None where the action is not open."""
        if self.action not in logprobs:
            return None
        return Decision(self.action, dict(logprobs), reason="forced")
