"""The interface of every policy."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from rlm_policy.action import Action
from rlm_policy.decision import Decision
from rlm_policy.state import State


@runtime_checkable
class Policy(Protocol):
    """Decides what a node does next, given its state and how likely the model finds each action.

    Attributes:
        name: what the log and a person call it.
        adapters: names and scales of the LoRA adapters under which the model scores the options; most have none.
    """

    @property
    def name(self) -> str: ...

    @property
    def adapters(self) -> Mapping[str, float]: ...

    def settle(self, state: State) -> Decision | None:
        """The decision, if the state alone settles it without asking the model (it is ANSWER then); else None."""
        ...

    def decide(self, state: State, logprobs: Mapping[Action, float]) -> Decision:
        """Decide for one of the open actions, which are those with a log probability (natural, normalised over them).

        Raises:
            ValueError: no action is open.
        """
        ...
