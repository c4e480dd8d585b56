"""What a node asks a child: a question and a part of its own view; and what the result is to the asking cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.corpus import Corpus, view
from rlm_local.corpus import View as Part
from rlm_local.engine.budget import Budget, Price
from rlm_local.engine.events import Voice
from rlm_local.engine.records import Records
from rlm_local.engine.result import Result
from rlm_policy import State

AT_ONCE = 4
"""Children of a node that run at the same time."""

_LABEL = 80
_PLAN_TOKENS = 6_000
"""What a child needs at least whose view does not fit in the window: a plan, and a reading."""

_READ_TOKENS = 1_100
"""What reading needs besides the text: the fixed part of its prompt, and the reply."""

_NOTES_TOKENS = 1_600
"""What notes need besides the text: the fixed part of the prompt, the names of documents, and the reply."""

SHORT = 1_500
"""Tokens of documents that a child reads whole; of longer ones it reads passages, in two looks."""

_LOOKS_TOKENS = 2_400
"""Of the passages of both looks together."""


@dataclass(frozen=True)
class Ask:
    """A question to a child. `part` is None where its text is not the parent's: a cell made it."""

    question: str
    label: str
    corpus: Records
    part: Part | None = None

    @classmethod
    def of_spans(cls, question: str, label: str, whole: Records, spans: Sequence[tuple[int, int]]) -> "Ask":
        """About spans of the parent's context, widened to whole records.

        Raises:
            ValueError: there is no text in them.
        """
        if isinstance(whole, View):
            return cls._of_documents(question, label, whole, spans)
        part = view(whole, spans)
        return cls(question, label[:_LABEL] or part.corpus.documents[0].name, part.corpus, part)

    @classmethod
    def _of_documents(cls, question: str, label: str, whole: View, spans: Sequence[tuple[int, int]]) -> "Ask":
        """About whole documents, which are looked at where they are; other stretches are texts of their own."""
        documents = [whole.collection.documents.at(start) for start, _ in spans]
        if all((document.start, document.end) == span for document, span in zip(documents, spans, strict=True)):
            part = View(whole.collection, frozenset(document.id for document in documents))
            return cls(question, label[:_LABEL] or documents[0].name, part)
        return cls.of_text(question, label, whole, "\n".join(whole.text(*span) for span in spans))

    @classmethod
    def of_text(cls, question: str, label: str, whole: Records, text: str) -> "Ask":
        """About a text: the place where it stands in the parent's context, or else a document of its own.

        Raises:
            ValueError: it is empty.
        """
        if isinstance(whole, View):
            if not text.strip():
                raise ValueError("there is no text in this part")
            return cls(
                question,
                label[:_LABEL] or "a text",
                View(Collection.of({"text.txt": text}, sealed=whole.collection.sealed)),
            )
        at = whole.context.find(text) if text.strip() else -1
        if at >= 0:
            return cls.of_spans(question, label, whole, [(at, at + len(text))])
        corpus = Corpus.from_documents({"text.txt": text})
        if not corpus.documents:
            raise ValueError("there is no text in this part")
        return cls(question, label[:_LABEL] or "a text", corpus)

    @property
    def of_prose(self) -> bool:
        """Whether it is about documents, or a text, that have no tables: these are read."""
        return isinstance(self.corpus, View) and not self.corpus.shape.fields

    def least(self, size: int, window: int) -> Price:
        """What the child needs at least, where it looks at so many tokens by a model with that window."""
        if isinstance(self.corpus, View) and self.corpus.stretches:
            return noting(size)
        return reading(size) if self.of_prose else least(size, window)

    @classmethod
    def of_notes(cls, question: str, label: str, whole: View, spans: Sequence[tuple[int, int]]) -> "Ask":
        """For notes of these stretches."""
        return cls(question, label[:_LABEL], View.of_stretches(whole.collection, spans))

    def view(self) -> dict[str, Any]:
        """What of the documents the child is given, for the log."""
        if self.part:
            spans = [list(span) for span in self.part.spans]
            return {"label": self.label, "spans": spans, "sha256": self.corpus.sha256}
        if isinstance(self.corpus, View):
            names = list(dict.fromkeys(document.name for document in self.corpus.documents))
            spans = {"spans": [list(span) for span in self.corpus.stretches]} if self.corpus.stretches else {}
            return {"label": self.label, "documents": names, **spans, "sha256": self.corpus.sha256}
        return {"label": self.label, "text": self.corpus.documents[0].text, "sha256": self.corpus.sha256}

    @property
    def key(self) -> tuple[str, str]:
        """Equal for two asks of the same question about the same text."""
        return self.question, self.corpus.sha256

    def seen(self, result: Result) -> dict[str, Any]:
        """The child's result as the parent's cell gets it, places in the parent's context."""
        return {
            "answer": result.answer,
            "value": result.value,
            "found": result.found,
            "ended": str(result.ended),
            "evidence": [list(place) for place in self._origins(result.places)],
            "sure": result.basis.sure,
            "tokens": result.usage.prompt_tokens + result.usage.completion_tokens,
            "calls": result.usage.leaf_calls,
            "part": self.label,
        }

    def _origins(self, places: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
        """Places of the part, in the parent's context."""
        if self.part:
            return [self.part.origin(*place) for place in places]
        same = isinstance(self.corpus, View) and self.corpus.only is not None
        return places if same else []


def reading(size: int) -> Price:
    """What a child takes at most that reads documents of so many tokens."""
    if size <= SHORT:
        return Price(size + _READ_TOKENS, 1, 1)
    return Price(min(size, _LOOKS_TOKENS) + 2 * _READ_TOKENS, 2, 1)


def read_by_children(state: State) -> State:
    """The state with no more of the documents than children would read: parts of each, and no more than can be paid."""
    return replace(state, context_tokens=min(state.context_tokens, state.documents * _LOOKS_TOKENS, state.tokens_left))


def noting(size: int) -> Price:
    """What a child takes at most that takes notes of so many tokens."""
    return Price(size + _NOTES_TOKENS, 1, 1)


def least(size: int, window: int) -> Price:
    """What a child needs at least that looks at so many tokens, by a model with that window."""
    return Price((size if size <= window - _READ_TOKENS else _PLAN_TOKENS) + _READ_TOKENS, 2, 1)


Spawn = Callable[[Voice, int, Budget, Sequence[Ask]], list[Result]]
"""Runs children to their ends, given the asking node's voice, turn and ledger; see `Tree.children`."""
