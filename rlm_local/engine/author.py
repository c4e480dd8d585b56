"""The author: who writes the next cell of a node."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rlm_local.models import Cancel, Prompt
from rlm_policy import Decision, State


@dataclass(frozen=True)
class Step:
    """What an author wants to do next: a decision and a cell, with what the model saw and said to get there.

    Attributes:
        decision: what the policy decided.
        cell: the Python to run.
        prompt: what the model was asked; None if no model was.
        prompt_ids, completion_ids: tokens of the prompt and of the reply.
        text: the reply.
        plan: where the author looked, what it tried and how sure it is, as plain data for the log.
        thought: what the model thought before it replied.
    """

    decision: Decision
    cell: str
    prompt: Prompt | None = None
    prompt_ids: tuple[int, ...] = ()
    completion_ids: tuple[int, ...] = ()
    text: str = ""
    plan: Mapping[str, Any] | None = None
    thought: str = ""


@dataclass(frozen=True)
class Turn:
    """A step that was run, and its outcome; `error` and `stopped` are those of `CellResult`."""

    step: Step
    output: str
    error: str | None = None
    stopped: str | None = None


class Author(Protocol):
    """Writes a node's cells. One author serves one node."""

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:
        """The next step, or None if there is nothing left to try.

        Raises:
            Refused: deciding would cost more than is left in the budget.
            Cancelled, DeadlineExceeded: by `cancel`.
        """
        ...
