"""The author of a child that is asked about documents: they are read, whole where they are short.

A long one is searched for what speaks of the question, and only that is read: few passages first, and more where these
do not say. So a question to each of many documents costs a few passages of each, whatever their lengths.
"""

from dataclasses import dataclass
from typing import ClassVar

from rlm_local.engine.author import Step, Turn
from rlm_local.engine.authors.cells import reading_cell, whole_cell
from rlm_local.engine.child import SHORT
from rlm_local.models import Cancel
from rlm_policy import Action, Decision, State


@dataclass(frozen=True)
class DocumentAuthor:
    """Reads, and reads on where the first passages did not say."""

    looks: ClassVar[tuple[tuple[int, int], ...]] = ((0, 3), (3, 9))
    """Passages of each look, by their rank, from and to."""

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:  # noqa: ARG002
        """See `Author.step`."""
        looks = len(turns)
        if state.context_tokens <= SHORT:
            said = Decision(Action.ANSWER, reason=f"{state.context_tokens} tokens are read whole")
            return None if looks else Step(said, whole_cell(state.question))
        if looks == len(self.looks):
            return None
        first, last = self.looks[looks]
        said = Decision(Action.SEARCH, reason=f"passages {first + 1} to {last} of the document")
        return Step(said, reading_cell(state.question, first, last))
