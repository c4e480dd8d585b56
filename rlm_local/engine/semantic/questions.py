"""Questions about many texts: each text is judged, sorted under a label, or searched for something."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Protocol

from rlm_local.engine.batches import Batch, Batches
from rlm_local.engine.leaves import FOUND_GRAMMAR, choose_prompt, judge_prompt, read_prompt
from rlm_local.engine.semantic.chunks import chunks
from rlm_local.engine.semantic.sentences import sentences
from rlm_local.models import NEUTRAL, Generation, Model, Prompt, Scores

_PIECE_TOKENS = 1200
_FOUND_TOKENS = 80
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Said:
    """What a model says about a text (None: the text does not say), and how sure it is, as a probability."""

    value: bool | int | str | None
    sure: float


class Question(Protocol):
    """What is asked about each text."""

    def prompts(self, pieces: Sequence[str]) -> list[Prompt]:
        """The prompts about one text, given in pieces."""
        ...

    def batch(self, prompts: Sequence[Prompt], texts: int) -> Batch:
        """The prompts about all texts, of which there are `texts`, as one batch."""
        ...

    def ask(self, batches: Batches, asked: Sequence[Sequence[Prompt]]) -> list[Said]:
        """What the model says about each text, given the prompts about it."""
        ...


def about(question: Question, model: Model, texts: Sequence[str]) -> list[list[Prompt]]:
    """The prompts about each text."""
    return [question.prompts(pieces(model, text)) for text in texts]


def pieces(model: Model, text: str) -> list[str]:
    """A text as the model is shown it: whole, or if it is long, in pieces with about equally many tokens."""
    if len(text.encode(errors="replace")) <= _PIECE_TOKENS:  # a token is a byte at least
        return [text]
    tokens = model.count(text)
    if tokens <= _PIECE_TOKENS:
        return [text]
    longest = _PIECE_TOKENS * len(text) // tokens
    spans = chunks(text, 0, len(text), shortest=longest // 2, longest=longest)
    return [text[start:end].strip() for start, end in spans]


@dataclass(frozen=True)
class Judge:
    """A yes-or-no question.

    A text is judged by its sentences, and is as likely a yes as its likeliest sentence. The question comes first in the
    prompt, so judging all sentences costs about as much as judging the whole.
    """

    question: str

    def prompts(self, pieces: Sequence[str]) -> list[Prompt]:
        """See `Question.prompts`."""
        return [judge_prompt(self.question, part) for piece in pieces for part in sentences(piece)]

    def batch(self, prompts: Sequence[Prompt], texts: int) -> Batch:
        """See `Question.batch`."""
        return Batch("judge", f"judge {texts} items: {self.question}", prompts, ("yes", "no"))

    def ask(self, batches: Batches, asked: Sequence[Sequence[Prompt]]) -> list[Said]:
        """See `Question.ask`; values are true or false."""
        scores = iter(batches.choose(self.batch(_all(asked), len(asked))))
        margins = [max(_odds(next(scores)) for _ in each) for each in asked]
        return [Said(margin > 0, 1 / (1 + math.exp(-min(abs(margin), 50.0)))) for margin in margins]


@dataclass(frozen=True)
class Sort:
    """Which of some options fits a text; for a long text, the one that fits its pieces best on average."""

    question: str
    options: tuple[str, ...]

    @cached_property
    def neutral(self) -> tuple[Prompt, ...]:
        """The same prompts about nothing; what the model says about these is subtracted from what it says of a text."""
        return tuple(choose_prompt(self.question, self.options, text) for text in NEUTRAL)

    def prompts(self, pieces: Sequence[str]) -> list[Prompt]:
        """See `Question.prompts`."""
        return [choose_prompt(self.question, self.options, piece) for piece in pieces]

    def batch(self, prompts: Sequence[Prompt], texts: int) -> Batch:
        """See `Question.batch`."""
        what = f"sort {texts} items: {self.question}"
        return Batch("choose", what, prompts, self.options, reply_tokens=8, neutral=self.neutral)

    def ask(self, batches: Batches, asked: Sequence[Sequence[Prompt]]) -> list[Said]:
        """See `Question.ask`; values are indices of options."""
        scores = iter(batches.choose(self.batch(_all(asked), len(asked))))
        chances = [_averaged([next(scores) for _ in each]) for each in asked]
        return [Said(each.index(max(each)), max(each)) for each in chances]


@dataclass(frozen=True)
class Find:
    """What a text says about something, in the text's own words."""

    what: str

    def prompts(self, pieces: Sequence[str]) -> list[Prompt]:
        """See `Question.prompts`."""
        return [read_prompt(self.what, [piece]) for piece in pieces]

    def batch(self, prompts: Sequence[Prompt], texts: int) -> Batch:
        """See `Question.batch`."""
        return Batch("query", f"look in {texts} items for: {self.what}", prompts, reply_tokens=_FOUND_TOKENS)

    def ask(self, batches: Batches, asked: Sequence[Sequence[Prompt]]) -> list[Said]:
        """See `Question.ask`; values are texts."""
        different = list(dict.fromkeys(_all(asked)))
        made = batches.write(self.batch(different, len(asked)), FOUND_GRAMMAR)
        found = {prompt: _found(each, prompt) for prompt, each in zip(different, made, strict=True)}
        return [
            next((said for prompt in each if (said := found[prompt]).value is not None), found[each[0]])
            for each in asked
        ]


def _found(made: Generation, prompt: Prompt) -> Said:
    """What the reply says, if it stands in the text; otherwise it is made up, and dropped."""
    sure = math.exp(min(0.0, made.logprob))
    answer = made.text.partition("answer:")[2].strip()
    text = _folded(prompt.messages[-1].content.rpartition("Question:")[0])
    return Said(answer if answer and _folded(answer) in text else None, sure)


def _folded(text: str) -> str:
    return _SPACE.sub(" ", text).casefold()


def _all(asked: Sequence[Sequence[Prompt]]) -> list[Prompt]:
    return [prompt for each in asked for prompt in each]


def _odds(scores: Scores) -> float:
    return scores.logprobs[0] - scores.logprobs[1]


def _averaged(scores: Sequence[Scores]) -> list[float]:
    """How likely each option is for a whole text: the mean of its probabilities over the pieces."""
    return [fmean(map(math.exp, column)) for column in zip(*(score.biased for score in scores), strict=True)]
