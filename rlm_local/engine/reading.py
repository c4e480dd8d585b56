"""Reading: an answer from a few passages, or that they do not say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rlm_local.engine.leaves import read_prompt
from rlm_local.engine.passages import Passages
from rlm_local.engine.stored import StoredPassages
from rlm_local.models import Cancel, Cursor, Model, Prompt, Usage

READ_TOKENS = 2000
"""What the passages of one reading may take of the window, where it has as many. Of 109 questions over collections of
prose the answer is in what is read for 92 with 1,300 tokens, 96 with 1,600, 100 with 2,000 and 101 with 2,600."""

_RESERVED_TOKENS = 1000
"""Of the window, for the fixed part of the prompt and the reply."""

_ANSWER_TOKENS = 64
_STATED_BIAS = (-0.15, 0.0)
"""A small model would rather answer than not. Of 56 stated facts 54 pass, and 6 of 39 that the passages only come near
to, such as who repaired a tool where they say who hired it (Qwen 1.5B)."""

_SO_OR_NOT_BIAS = (1.1, 0.0)
"""The same where yes or no is asked for: that something is not so is seldom stated in its words. Of 20 questions (Qwen
1.5B) the log-odds of "stated" are -1.1 to 2.9 over the 12 passages that say it, and -1.5 to 0.2 over the 8 that only
speak of the same thing: they hardly tell, and what is said nowhere may be answered with no."""

_YES_OR_NO = re.compile(
    r"(?:^|[.:;,]\s+)(?:is|are|was|were|do|does|did|can|could|may|might|must|shall|should|will|would|has|have|had)(?:n't)?\s"
    r"[^.?!]*\?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reading:
    """The answer, and the spans of the context that state it."""

    answer: str
    found: bool
    evidence: tuple[tuple[int, int], ...]
    logprobs: tuple[float, float]
    """Of "stated" and "not stated"."""

    usage: Usage

    def data(self) -> dict[str, Any]:
        spans = [list(span) for span in self.evidence]
        return {"answer": self.answer, "found": self.found, "evidence": spans, "logprobs": list(self.logprobs)}


@dataclass(frozen=True)
class Task:
    """A reading, ready to be priced and decoded."""

    model: Model
    passages: Passages | StoredPassages
    question: str
    prompt: Prompt
    spans: tuple[tuple[int, int], ...]

    def decode(self, cancel: Cancel) -> Reading:
        """Whether the passages state it, where, and the answer: three slots of one reply."""
        with self.model.cursor(self.prompt, cancel=cancel) as cursor:
            bias = _SO_OR_NOT_BIAS if asks_yes_or_no(self.question) else _STATED_BIAS
            stated = cursor.choose([" yes\n", " no"], bias=bias)
            logprobs = (stated.logprobs[0], stated.logprobs[1])
            if stated.index == 1:
                return Reading("", found=False, evidence=(), logprobs=logprobs, usage=cursor.usage)
            cursor.append("passage:")
            where = cursor.choose([f" {number}\n" for number in range(1, len(self.spans) + 1)]).index
            cursor.append("answer:")
            answer = self._answer(cursor)
            if not _supported(answer, self.prompt.messages[-1].content):
                return Reading("", found=False, evidence=(), logprobs=logprobs, usage=cursor.usage)
            span = _narrowed(self.passages.corpus.context[slice(*self.spans[where])], self.spans[where][0], answer)
            return Reading(answer, found=bool(answer), evidence=(span,), logprobs=logprobs, usage=cursor.usage)

    def _answer(self, cursor: Cursor) -> str:
        if asks_yes_or_no(self.question):
            return ("yes", "no")[cursor.choose([" yes\n", " no\n"]).index]
        return cursor.write(stop=("\n",), max_tokens=_ANSWER_TOKENS).strip()


def asks_yes_or_no(question: str) -> bool:
    """Whether a question wants a yes or a no: its last clause begins with a verb, and offers no choice."""
    return bool(_YES_OR_NO.search(question)) and not re.search(r"\bor\b", question)


def read(
    model: Model,
    passages: Passages | StoredPassages,
    question: str,
    spans: Sequence[tuple[int, int]],
    *,
    whole: bool = False,
) -> Task:
    """A reading of as many of the passages, which come best first, as READ_TOKENS or, `whole`, the window allows.

    The best stands last in the prompt, next to the question: a small model heeds it most there.
    """
    chosen, texts = list[tuple[int, int]](), list[str]()
    room = model.n_ctx - _RESERVED_TOKENS
    left = room if whole else min(READ_TOKENS, room)
    for start, end in dict.fromkeys(spans):
        text = passages.render(start, end)
        size = model.count(text) + 6
        if size > left and chosen:
            continue
        if size > left:
            end = start + (end - start) * left // size
            text = passages.render(start, end)
        chosen.append((start, end))
        texts.append(text)
        left -= size
    prompt = read_prompt(question, texts[::-1])
    return Task(model, passages, question, prompt, tuple(reversed(chosen)))


def _supported(answer: str, passages: str) -> bool:
    """Whether any word of the answer stands in the passages: a small model may answer from its examples."""
    words = re.findall(r"\w{3,}|\d+", answer.lower()) or [answer.lower()]
    return answer.lower() in ("yes", "no") or any(word in passages.lower() for word in words)


def _narrowed(text: str, start: int, answer: str) -> tuple[int, int]:
    """The lines of a passage that hold the answer, or the passage; it begins at `start`."""
    at = text.lower().find(answer.lower())
    if at < 0:
        return start, start + len(text)
    left = text.rfind("\n", 0, at) + 1
    right = text.find("\n", at + len(answer))
    return start + left, start + (len(text) if right < 0 else right)
