"""A reading: a prompt with passages, and the reply, written slot by slot and checked against the passages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rlm_local.engine.citations import quoted
from rlm_local.engine.leaves import read_prompt
from rlm_local.engine.passages import Passages
from rlm_local.engine.reading.shown import Shown, cited
from rlm_local.models import Cancel, Cursor, Model, Prompt, Usage

_READ_TOKENS = 1300
"""Tokens of the passages of one reading: few distract less and cost less. Of 109 questions over collections of prose,
the passages hold the answer to 92 with 1,300 tokens, and to 100 with 2,000; but of nine questions over contracts the
model answered more with 1,300 (score 0.61) than with 2,000 (0.50)."""

_RESERVED_TOKENS = 1400
"""Tokens of the window that are kept for the fixed part of the prompt and for the reply."""

_ANSWER_TOKENS, _SENTENCE_TOKENS, _MOST_SENTENCES = 64, 60, 5

REPLY_TOKENS = 360
"""Most tokens of a reply: five sentences with their numbers, and the slots before them."""

_STATED_BIAS = (-0.15, 0.0)
"""A bias against "stated", because a small model would rather answer than not. With it, "stated" wins for 54 of 56
facts that the passages state, and for 6 of 39 that they only come near to: who repaired a tool, if they say who hired
it (Qwen 1.5B)."""

_SO_OR_NOT_BIAS = (1.1, 0.0)
"""The same for yes-or-no questions: a bias for "stated", because passages seldom state in so many words that something
is not the case. Of 20 questions (Qwen 1.5B), the log odds of "stated" are -1.1 to 2.9 for the 12 whose passages say it,
and -1.5 to 0.2 for the 8 whose passages only speak of the same thing. So they hardly tell, and the answer may be no
where nothing is said."""


@dataclass(frozen=True)
class Reading:
    """The answer, and the spans of the context that it rests on.

    In an answer of several sentences, each is followed by the number of its span: [1] is the first.
    """

    answer: str
    found: bool
    evidence: tuple[tuple[int, int], ...]
    logprobs: tuple[float, float]
    """Log probabilities of "stated" and "not stated"."""

    usage: Usage
    passage: int | None = None
    """Which of the passages that were shown holds the answer; None for an answer of several sentences."""

    def data(self) -> dict[str, Any]:
        spans = [list(span) for span in self.evidence]
        return {
            "answer": self.answer,
            "found": self.found,
            "evidence": spans,
            "logprobs": list(self.logprobs),
            "passage": self.passage,
        }


@dataclass(frozen=True)
class Task:
    """A reading that is ready to be priced and decoded."""

    model: Model
    prompt: Prompt
    shown: tuple[Shown, ...]
    so_or_not: bool
    """Whether the question wants yes or no."""

    def decode(self, cancel: Cancel) -> Reading:
        """Decodes the slots of a reply: whether the passages state it, where, and what. Drops what no passage holds."""
        with self.model.cursor(self.prompt, cancel=cancel) as cursor:
            stated = cursor.choose([" yes\n", " no"], bias=_SO_OR_NOT_BIAS if self.so_or_not else _STATED_BIAS)
            said = _NOTHING
            if stated.index == 0:
                cursor.append("passage:")
                named = cursor.choose([f" {number}\n" for number in range(1, len(self.shown) + 1)]).index
                if self.so_or_not:
                    said = self._so_or_not(cursor, named)
                elif cursor.choose(["sentences:", "answer:"]).index == 0:
                    said = self._sentences(cursor)
                else:
                    said = self._words(cursor, named)
            logprobs = (stated.logprobs[0], stated.logprobs[1])
            answer, evidence, passage = said
            return Reading(answer, bool(answer), evidence, logprobs, cursor.usage, passage)

    def _words(self, cursor: Cursor, named: int) -> "_Said":
        """An answer in a few words, and the passage that holds it."""
        answer = cursor.write(stop=("\n",), max_tokens=_ANSWER_TOKENS).strip()
        found = cited(answer, self.shown, named)
        return (found.said, (found.span,), found.place) if found else _NOTHING

    def _so_or_not(self, cursor: Cursor, named: int) -> "_Said":
        """Yes or no, and the sentence that says so, which is first copied letter by letter."""
        told = self.shown[named].told

        def stands(written: str) -> bool:
            return not written.strip() or quoted(written, told) is not None

        cursor.append("sentence:")
        sentence = cursor.write(stop=("\n",), max_tokens=_SENTENCE_TOKENS, allow=stands)
        cursor.append("\nanswer:")
        answer = ("yes", "no", "")[cursor.choose([" yes\n", " no\n", " not stated\n"]).index]
        place = self.shown[named].quote(sentence) or self.shown[named].span
        return (answer, (place,), named) if answer and sentence.strip() else _NOTHING

    def _sentences(self, cursor: Cursor) -> "_Said":
        """Sentences, each with the passage that it rests on; those that no passage holds are left out."""
        numbers = [f"\n[{number}]" for number in range(1, len(self.shown) + 1)]
        said, places = list[str](), list[tuple[int, int]]()
        for written in range(_MOST_SENTENCES):
            named = cursor.choose([*numbers, "\nend"] if written else numbers).index
            if named == len(numbers):
                break
            sentence = cursor.write(stop=("\n",), max_tokens=_SENTENCE_TOKENS).strip()
            found = cited(sentence, self.shown, named)
            if found and not any(found.said in before for before in said):
                if found.span not in places:
                    places.append(found.span)
                said.append(f"{found.said} [{places.index(found.span) + 1}]")
        return " ".join(said), tuple(places), None


_Said = tuple[str, tuple[tuple[int, int], ...], int | None]
"""An answer, the spans that it rests on, and the place of the passage that holds it."""

_NOTHING: _Said = ("", (), None)


def read(
    model: Model,
    passages: Passages,
    question: str,
    spans: Sequence[tuple[int, int]],
    *,
    whole: bool = False,
    so_or_not: bool = False,
) -> Task:
    """A reading of as many passages as fit in _READ_TOKENS or, if `whole`, in the window; they are given best first.

    In the prompt, the best passage comes last, next to the question, where a small model heeds it most.
    """
    shown = list[Shown]()
    room = model.n_ctx - _RESERVED_TOKENS
    left = room if whole else min(_READ_TOKENS, room)
    for start, end in dict.fromkeys(spans):
        told = passages.render(start, end)
        size = model.count(told) + 6
        if size > left and shown:
            continue
        if size > left:
            end = start + (end - start) * left // size
            told = passages.render(start, end)
        shown.append(Shown(start, passages.view.context[start:end], told))
        left -= size
    shown.reverse()
    return Task(model, read_prompt(question, [one.told for one in shown]), tuple(shown), so_or_not)
