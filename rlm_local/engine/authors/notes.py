"""The author of a child that takes notes of its part."""

from dataclasses import dataclass

from rlm_local.engine.author import Step, Turn
from rlm_local.engine.authors.cells import taking_cell
from rlm_local.models import Cancel
from rlm_policy import Action, Decision, State


@dataclass(frozen=True)
class NotesAuthor:
    """Takes notes once, and once more if the session's process died."""

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:  # noqa: ARG002
        """See `Author.step`."""
        if any(turn.stopped != "worker" for turn in turns) or len(turns) > 1:
            return None
        return Step(Decision(Action.ANSWER, reason="notes of a part"), taking_cell(state.question))
