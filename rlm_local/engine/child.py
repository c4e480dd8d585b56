"""What a node asks a child: a question about a part of its own view; and what the asking cell gets back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.budget import Budget, Price
from rlm_local.engine.events import Voice
from rlm_local.engine.result import Result
from rlm_policy import State

AT_ONCE = 4
"""How many children of a node run at the same time."""

_LABEL = 80
_PROGRAM_TOKENS = 6_000
"""What a child needs at least if its view does not fit in the window: the prompt and reply of a program."""

_READ_TOKENS = 1_100
"""Tokens that a reading takes besides the text: the fixed part of its prompt, and the reply."""

_NOTES_TOKENS = 1_600
"""Tokens that notes take besides the text: the fixed part of the prompt, the names of documents, and the reply."""

SHORT = 1_500
"""Up to this many tokens a child reads its documents whole; of longer ones it reads passages, in two looks."""

_LOOKS_TOKENS = 2_400
"""Tokens of the passages of both looks together."""


@dataclass(frozen=True)
class Ask:
    """A question to a child, and the view that the child looks at."""

    question: str
    label: str
    view: View
    begins: int | None = 0
    """Where the child's context begins in the parent's, in characters; None if a cell made the text."""

    @classmethod
    def of_spans(cls, question: str, label: str, whole: View, spans: Sequence[tuple[int, int]]) -> "Ask":
        """A question about spans of the parent's context. Whole documents are looked at in place; any other stretch
        becomes a collection of its own.

        Raises:
            ValueError: the spans hold no text.
        """
        documents = [whole.collection.documents.at(start) for start, _ in spans]
        if documents and all((each.start, each.end) == span for each, span in zip(documents, spans, strict=True)):
            part = View(whole.collection, frozenset(document.id for document in documents))
            return cls(question, label[:_LABEL] or documents[0].name, part)
        ask = cls.of_text(question, label, whole, "\n".join(whole.text(*span) for span in spans))
        return replace(ask, begins=spans[0][0]) if len(spans) == 1 else ask

    @classmethod
    def of_text(cls, question: str, label: str, whole: View, text: str) -> "Ask":
        """A question about a text, which becomes a collection of its own.

        Raises:
            ValueError: the text is empty.
        """
        if not text.strip():
            raise ValueError("there is no text in this part")
        own = Collection.of({"text.txt": text}, sealed=whole.collection.sealed)
        return cls(question, label[:_LABEL] or "a text", View(own), begins=None)

    @classmethod
    def of_notes(cls, question: str, label: str, whole: View, spans: Sequence[tuple[int, int]]) -> "Ask":
        """A request for notes of these stretches."""
        return cls(question, label[:_LABEL], View.of_stretches(whole.collection, spans))

    def least(self, size: int, window: int) -> Price:
        """What the child needs at least, if its view has `size` tokens and the model a window of `window` tokens."""
        if self.view.stretches:
            return noting(size)
        return least(size, window) if self.view.shape.fields else reading(size)

    def seen_by(self) -> dict[str, Any]:
        """What part of the documents the child is given, for the log."""
        if self.view.only is None:
            part = {"text": self.view.text(0, self.view.characters)}
        else:
            part = {"documents": list(dict.fromkeys(document.name for document in self.view.documents))}
        spans = {"spans": [list(span) for span in self.view.stretches]} if self.view.stretches else {}
        return {"label": self.label, **part, **spans, "sha256": self.view.sha256}

    @property
    def key(self) -> tuple[str, str]:
        """Equal for two asks with the same question about the same text."""
        return self.question, self.view.sha256

    def seen(self, result: Result) -> dict[str, Any]:
        """The child's result as the parent's cell gets it; places are in the parent's context."""
        return {
            "answer": result.answer,
            "value": result.value,
            "found": result.found,
            "ended": str(result.ended),
            "evidence": [list(place) for place in self.origins(result.places)],
            "sure": result.basis.sure,
            "tokens": result.usage.prompt_tokens + result.usage.completion_tokens,
            "calls": result.usage.leaf_calls,
            "part": self.label,
        }

    def origins(self, places: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
        """Places in the child's context, as places in the parent's; none if a cell made the text."""
        begins = self.begins
        return [] if begins is None else [(begins + start, begins + end) for start, end in places]


def reading(size: int) -> Price:
    """The most that a child costs that reads documents of `size` tokens."""
    if size <= SHORT:
        return Price(size + _READ_TOKENS, 1, 1)
    return Price(min(size, _LOOKS_TOKENS) + 2 * _READ_TOKENS, 2, 1)


def read_by_children(state: State) -> State:
    """The state as far as children would read: at most the passages of each document, and what can be paid for."""
    return replace(state, context_tokens=min(state.context_tokens, state.documents * _LOOKS_TOKENS, state.tokens_left))


def noting(size: int) -> Price:
    """The most that a child costs that takes notes of `size` tokens."""
    return Price(size + _NOTES_TOKENS, 1, 1)


def least(size: int, window: int) -> Price:
    """What a child needs at least that writes programs, for a view of `size` tokens and a window of `window` tokens."""
    return Price((size if size <= window - _READ_TOKENS else _PROGRAM_TOKENS) + _READ_TOKENS, 2, 1)


Spawn = Callable[[Voice, int, Budget, Sequence[Ask]], list[Result]]
"""Runs children to their ends, given the asking node's voice, turn and budget; see `Tree.children`."""
