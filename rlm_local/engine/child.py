"""What a node asks a child: a question and a part of its own view; and what the result is to the asking cell."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlm_local.corpus import Corpus, View, view
from rlm_local.engine.budget import Budget
from rlm_local.engine.events import Voice
from rlm_local.engine.result import Result

_LABEL = 80


@dataclass(frozen=True)
class Ask:
    """A question to a child. `part` is None where its text is not the parent's: a cell made it."""

    question: str
    label: str
    corpus: Corpus
    part: View | None = None

    @classmethod
    def of_spans(cls, question: str, label: str, whole: Corpus, spans: Sequence[tuple[int, int]]) -> "Ask":
        """About spans of the parent's context, widened to whole records.

        Raises:
            ValueError: there is no text in them.
        """
        part = view(whole, spans)
        return cls(question, label[:_LABEL] or part.corpus.documents[0].name, part.corpus, part)

    @classmethod
    def of_text(cls, question: str, label: str, whole: Corpus, text: str) -> "Ask":
        """About a text: the place where it stands in the parent's context, or else a document of its own.

        Raises:
            ValueError: it is empty.
        """
        at = whole.context.find(text) if text.strip() else -1
        if at >= 0:
            return cls.of_spans(question, label, whole, [(at, at + len(text))])
        corpus = Corpus.from_documents({"text.txt": text})
        if not corpus.documents:
            raise ValueError("there is no text in this part")
        return cls(question, label[:_LABEL] or "a text", corpus)

    def view(self) -> dict[str, Any]:
        """What of the documents the child is given, for the log."""
        if self.part:
            return {"label": self.label, "spans": [list(span) for span in self.part.spans]}
        return {"label": self.label, "text": self.corpus.documents[0].text}

    @property
    def key(self) -> str:
        """Equal for two asks of the same question about the same text."""
        return key_of(self.question, self.view())

    def seen(self, result: Result) -> dict[str, Any]:
        """The child's result as the parent's cell gets it, places in the parent's context."""
        return {
            "answer": result.answer,
            "value": result.value,
            "found": result.found,
            "ended": str(result.ended),
            "evidence": [list(self.part.origin(*place)) for place in result.places] if self.part else [],
            "sure": result.basis.sure,
            "tokens": result.usage.prompt_tokens + result.usage.completion_tokens,
            "calls": result.usage.leaf_calls,
            "part": self.label,
        }


def key_of(question: str, view: Mapping[str, Any]) -> str:
    """What tells one ask of a run from another: the question, and what of the documents it is about."""
    about = view["spans"] if "spans" in view else view["text"]
    return hashlib.sha256(json.dumps([question, about]).encode("utf-8", "surrogatepass")).hexdigest()


Spawn = Callable[[Voice, int, Budget, Sequence[Ask]], list[Result]]
"""Runs children to their ends, given the asking node's voice, turn and ledger; see `Tree.children`."""
