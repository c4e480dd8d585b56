"""Who writes the next cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rlm_local.models import Cancel, Prompt
from rlm_policy import Decision, State


@dataclass(frozen=True)
class Step:
    """One turn as written: the decision, the cell, and what the model saw and said to get there.

    `prompt` is None where no model was asked, `thought` what it thought before it wrote. `plan` is where it looked,
    what it tried and how sure it is, as plain data, where the author says so.
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
    """A step and what came of it, as the next step sees it; `error` and `stopped` as in `CellResult`."""

    step: Step
    output: str
    error: str | None = None
    stopped: str | None = None


class Author(Protocol):
    """Writes a node's cells. One author serves one node."""

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:
        """The next cell, or None: there is nothing left to try.

        Raises:
            Refused: the ledger does not hold what deciding would cost.
            Cancelled, DeadlineExceeded: by `cancel`.
        """
        ...
