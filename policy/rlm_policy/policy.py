"""What every policy is."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from rlm_policy.action import Action
from rlm_policy.decision import Decision
from rlm_policy.state import State


@runtime_checkable
class Policy(Protocol):
    """Decides what a node does next, by its state and by how likely the model's own options are.

    Attributes:
        name: what the log and a person call it.
        adapters: LoRA adapters by name, with their scales, under which the options are scored; none for most.
    """

    @property
    def name(self) -> str: ...

    @property
    def adapters(self) -> Mapping[str, float]: ...

    def settle(self, state: State) -> Decision | None:
        """What the state alone settles, before any model is asked: ANSWER; or None: ask the model."""
        ...

    def decide(self, state: State, logprobs: Mapping[Action, float]) -> Decision:
        """One of the actions that have a log probability (natural, normalised over them).

        Raises:
            ValueError: none has.
        """
        ...
