"""The author of a child that is asked about documents: short ones are read whole.

A long document is searched for the question, and only what is found is read: a few passages first, and more if these do
not hold the answer. So a question to each of many documents costs a few passages of each, however long they are.
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
    """Reads, and reads on if the first passages do not hold the answer."""

    looks: ClassVar[tuple[tuple[int, int], ...]] = ((0, 3), (3, 9))
    """The passages of each look: ranks from the first number to before the second."""

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
