"""Understanding: what a question means after the exchanges before it.

Code believes a rewritten question only if every number and name in it was said before (a year may be the one before or
after), and every number and name of the follow-up is still in it.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rlm_local.engine.batches import price_of
from rlm_local.engine.budget import Budget, Refused
from rlm_local.engine.conversation.exchange import EXCHANGES, Exchange
from rlm_local.engine.conversation.rewriting import REPLY_TOKENS, rewrite, rewriting
from rlm_local.log import CallRecord
from rlm_local.models import Cancel, Model, Usage
from rlm_local.models.errors import ModelError

_LONGEST = 600
"""Characters of a follow-up; a longer question is taken to stand alone."""

_STEM = 4
"""How many letters of two words are compared: endings differ."""

_YEAR_DIGITS = 4
_LOOKS = 4
"""How many replies one call may take: the first, one that is written again, and the options that are weighed."""


@dataclass(frozen=True)
class Understanding:
    """How a question was understood.

    Attributes:
        said: as the person wrote it.
        question: as it will be asked; the same if it stands alone or could not be rewritten.
        call: what the model was sent, its reply and its cost; None if the model was not asked.
    """

    said: str
    question: str
    call: CallRecord | None = None

    def data(self) -> dict[str, Any]:
        """Plain data, for the log."""
        return {"said": self.said, "call": asdict(self.call) if self.call else None}


def understand(
    model: Model, exchanges: Sequence[Exchange], question: str, budget: Budget, cancel: Cancel
) -> Understanding:
    """The question as it is meant after these exchanges, the oldest first.

    A first question is never changed, nor is one that is too long to be a follow-up. Nothing is raised: if there is no
    budget for it, or the model breaks or is cancelled, the question is taken as it is; the run will hit the same error.
    """
    question = question.strip()
    if not exchanges or len(question) > _LONGEST:
        return Understanding(question, question)
    exchanges = exchanges[-EXCHANGES:]
    try:
        with budget.reserve(price_of(model, [rewriting(exchanges, question)], _LOOKS * REPLY_TOKENS)) as receipt:
            try:
                written, call = rewrite(model, exchanges, question, cancel)
            except ModelError as error:
                receipt.tokens = error.usage
                return Understanding(question, question)
            receipt.calls = 1
            receipt.tokens = Usage(call.prompt_tokens - call.cached_tokens, call.cached_tokens, call.completion_tokens)
    except Refused:
        return Understanding(question, question)
    before = "\n".join(exchange.shown() for exchange in exchanges)
    return Understanding(question, written if _holds(written, before, question) else question, call)


def _holds(written: str, before: str, question: str) -> bool:
    """Whether the rewritten question has no number or name that was not said, and all those of the follow-up."""
    if not written:
        return False
    known, kept = _Said.of(f"{before}\n{question}"), _Said.of(written)
    new, asked = _Said.of(written, first=False), _Said.of(question, first=False)
    return (
        new.numbers <= known.numbers | _beside(known.numbers)
        and asked.numbers <= kept.numbers
        and new.names <= known.words
        and asked.names <= kept.words
    )


@dataclass(frozen=True)
class _Said:
    """The numbers of a text, and the first letters of its words and of those that may be names."""

    numbers: frozenset[str]
    words: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, text: str, *, first: bool = True) -> "_Said":
        """What a text says; its first word may be written large and be no name."""
        words = re.findall(r"[^\W\d_]+", text)
        names = [word for word in words[0 if first else 1 :] if word[0].isupper() and len(word) > 1]
        return cls(frozenset(re.findall(r"\d+", text)), _stems(words), _stems(names))


def _beside(numbers: frozenset[str]) -> frozenset[str]:
    """The years before and after those that were said."""
    years = [int(number) for number in numbers if len(number) == _YEAR_DIGITS]
    return frozenset(str(year + step) for year in years for step in (-1, 1))


def _stems(words: Sequence[str]) -> frozenset[str]:
    return frozenset(word.casefold()[:_STEM] for word in words)
