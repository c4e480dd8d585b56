"""Policies that ignore the model's options: for comparison, and to collect what each action leads to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rlm_policy.action import Action
from rlm_policy.cost import expected_costs
from rlm_policy.decision import Decision
from rlm_policy.policy import Policy
from rlm_policy.rules import Rules
from rlm_policy.state import State


@dataclass(frozen=True)
class Direct:
    """One call with the text, cut to the window: the baseline of all comparisons."""

    adapters: Mapping[str, float] = field(default_factory=dict[str, float])
    name: str = "direct"

    def settle(self, state: State) -> Decision:
        """ANSWER, always."""
        return Decision(Action.ANSWER, reason="always", costs=expected_costs(state))

    def decide(self, state: State, logprobs: Mapping[Action, float]) -> Decision:
        """ANSWER, always."""
        return replace(self.settle(state), logprobs=dict(logprobs))


@dataclass(frozen=True)
class Forced:
    """Forces the first decisions of the root. All others, and actions that are not open, are left to another policy.

    Args:
        actions: one for each turn of the root.
        then: the other policy.
    """

    actions: tuple[Action, ...]
    then: Policy = field(default_factory=Rules)

    @property
    def name(self) -> str:
        return f"forced:{','.join(self.actions)}"

    @property
    def adapters(self) -> Mapping[str, float]:
        return self.then.adapters

    def settle(self, state: State) -> Decision | None:
        """ANSWER, if that is the action of this turn and the view fits in the window."""
        wanted = self._wanted(state)
        if wanted is None:
            return self.then.settle(state)
        if wanted is Action.ANSWER and state.fits:
            return Decision(wanted, reason="forced", costs=expected_costs(state))
        return None

    def decide(self, state: State, logprobs: Mapping[Action, float]) -> Decision:
        """The action of this turn, with the model's own log probabilities."""
        wanted = self._wanted(state)
        if wanted and wanted in logprobs:
            return Decision(wanted, dict(logprobs), reason="forced", costs=expected_costs(state))
        decision = self.then.decide(state, logprobs)
        return replace(decision, reason=f"{wanted} was not open") if wanted else decision

    def _wanted(self, state: State) -> Action | None:
        return self.actions[state.attempt] if state.depth == 0 and state.attempt < len(self.actions) else None


@dataclass(frozen=True)
class Recurse:
    """Gives parts to children wherever that is possible, as deep as is allowed."""

    then: Rules = field(default_factory=Rules)
    name: str = "recurse"

    @property
    def adapters(self) -> Mapping[str, float]:
        return self.then.adapters

    def settle(self, state: State) -> Decision | None:
        """What size alone settles, but only if no depth is left or a child's view fits in the window."""
        deeper = state.depth_left and not state.attempt and not (state.depth and state.fits)
        return None if deeper else self.then.settle(state)

    def decide(self, state: State, logprobs: Mapping[Action, float]) -> Decision:
        """RECURSE if it is open, else what the other policy decides."""
        if Action.RECURSE in logprobs:
            return Decision(Action.RECURSE, dict(logprobs), reason="always", costs=expected_costs(state))
        return self.then.decide(state, logprobs)
