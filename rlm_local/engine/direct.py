"""The direct author: one call with the text, cut to the window. It is the baseline that everything is compared with."""

from dataclasses import dataclass

from rlm_local.collection.view import View
from rlm_local.engine.author import Step, Turn
from rlm_local.models import Cancel, Model
from rlm_policy import Action, Decision, State

_RESERVE = 900
_CELL = """\
reply = llm_query(context[:{characters}] + {question!r})
FINAL(reply, found='not in the documents' not in reply.lower())"""
_ASK = (
    "\n\nAnswer from these documents, in as few words as possible; if they do not say, reply: not in the documents."
    "\nQuestion: "
)


@dataclass
class DirectAuthor:
    """Asks the model once, with as much of the text as fits."""

    model: Model
    view: View

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:  # noqa: ARG002
        """See `Author.step`."""
        if turns:
            return None
        room = self.model.n_ctx - _RESERVE  # the same cut for every question: the text is evaluated once
        characters = len(self.view.context)
        characters = min(characters, 8 * room)  # no tokenizer needs more than eight characters for a token of prose
        while (size := self.model.count(self.view.context[:characters])) > room:
            characters = int(characters * room / size * 0.98)
        cell = _CELL.format(characters=characters, question=_ASK + state.question)
        return Step(
            Decision(Action.ANSWER, reason=f"one call over {characters} of {len(self.view.context)} characters"), cell
        )
