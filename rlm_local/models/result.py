"""What a model gives back: Usage, Generation, Scores, Choice."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Usage:
    """What a call cost, in tokens; usages add up.

    Attributes:
        prompt_tokens: prompt tokens that were evaluated.
        cached_tokens: prompt tokens whose KV was at hand.
        completion_tokens: tokens that were generated.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True)
class Generation:
    """A reply.

    Attributes:
        text: the reply, without prefill and stop string.
        token_ids: the generated tokens, the end-of-turn token included where one came; a thought and its marks come
            first.
        prompt_ids: the tokens of the prompt.
        logprob: natural log probability of the reply's own tokens given what was before them, summed.
        finish: "stop" at a stop string or the end of the turn, "length" at the limit.
        thought: what the model thought before the reply, where the prompt let it.
    """

    text: str
    token_ids: tuple[int, ...]
    prompt_ids: tuple[int, ...]
    logprob: float
    finish: Literal["stop", "length"]
    usage: Usage
    thought: str = ""


@dataclass(frozen=True)
class Scores:
    """How likely each option is as the reply.

    Attributes:
        logprobs: natural log probabilities, one an option, normalised over the options.
        biased: the same calibrated, and normalised again: what is chosen by.
    """

    options: tuple[str, ...]
    logprobs: tuple[float, ...]
    biased: tuple[float, ...]
    usage: Usage

    @property
    def best(self) -> str:
        """The likeliest option, the first of equals."""
        return self.options[self.index]

    @property
    def index(self) -> int:
        """The place of the likeliest option."""
        return self.biased.index(max(self.biased))


@dataclass(frozen=True)
class Choice:
    """An option that a cursor has written.

    Attributes:
        option: what was written.
        index: its place among the options.
        logprobs: natural log probabilities of all options, normalised, before the bias.
        biased: the same with the bias added and normalised again: what was chosen by.
    """

    option: str
    index: int
    logprobs: tuple[float, ...]
    biased: tuple[float, ...]
