"""The tasks of leaf calls: Score reads logits, Write generates, Peek hands the logits over."""

import codecs
import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rlm_local.models.errors import EngineError
from rlm_local.models.kv import Tokens
from rlm_local.models.llama import Weights
from rlm_local.models.logits import Logits, log_sum_exp
from rlm_local.models.result import Generation, Usage
from rlm_local.models.thinking import Thought


class Picker(Protocol):
    """How the next token is taken from the logits."""

    def pick(self, logits: Logits) -> int: ...
    def close(self) -> None: ...


class Greedy:
    """The likeliest token."""

    def pick(self, logits: Logits) -> int:
        return int(logits.argmax())

    def close(self) -> None:
        pass


class Sampled:
    """A token drawn at a temperature."""

    def __init__(self, temperature: float, seed: int) -> None:
        self._temperature = temperature
        self._random = np.random.default_rng(seed)

    def pick(self, logits: Logits) -> int:
        scaled = (logits - logits.max()).astype(np.float64) / self._temperature
        total: NDArray[np.float64] = np.exp(scaled).cumsum()
        return int(np.searchsorted(total, self._random.random() * float(total[-1]), side="right"))

    def close(self) -> None:
        pass


class Score:
    """Log probabilities of some tokens as the next; nothing is generated."""

    room = 0

    def __init__(self, tokens: Tokens, ids: Sequence[int], *, fixed: tuple[int, ...] = (), kept: bool = False) -> None:
        self.tokens = tokens
        self.fixed = fixed
        self.kept = kept
        self._ids = list(ids)
        self._logprobs = np.empty(0)

    def step(self, logits: Logits, emit: Callable[[str], None]) -> int | None:  # noqa: ARG002 - writes no text
        self._logprobs = logits[self._ids].astype(np.float64) - _total(logits)

    def result(self, usage: Usage) -> tuple[NDArray[np.float64], Usage]:
        return self._logprobs, usage

    def close(self) -> None:
        pass


class Peek:
    """The logits themselves, copied, for a caller that decides token by token."""

    room = 0
    fixed = ()
    kept = True

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self._logits: Logits = np.empty(0, np.float32)

    def step(self, logits: Logits, emit: Callable[[str], None]) -> int | None:  # noqa: ARG002 - writes no text
        self._logits = logits.copy()

    def result(self, usage: Usage) -> tuple[Logits, Usage]:
        return self._logits, usage

    def close(self) -> None:
        pass


class Write:
    """A reply, token by token, and before it a thought, if one is wanted: that is not sent, and needs no stop."""

    kept = False

    def __init__(
        self,
        weights: Weights,
        tokens: Tokens,
        picker: Picker,
        *,
        room: int,
        stop: Sequence[str],
        fixed: tuple[int, ...] = (),
        thought: Thought | None = None,
    ) -> None:
        self.tokens = tokens
        self.fixed = fixed
        self.room = room + (thought.room if thought else 0)
        self._left = room  # tokens of the reply
        self._thought = thought
        self._weights = weights
        self._picker = picker
        self._stop = tuple(stop)
        self._held = max(map(len, stop), default=1) - 1  # characters that may be the start of a stop string
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._written: list[int] = []
        self._text = ""
        self._emitted = 0
        self._logprob = 0.0
        self._stopped = False

    def step(self, logits: Logits, emit: Callable[[str], None]) -> int | None:
        total = _total(logits)
        if self._thought is not None and self._thought.going_on:
            self._written.append(self._thought.step(logits))
            return self._written[-1]
        token = self._picker.pick(logits)
        self._left -= 1
        self._logprob += float(logits[token]) - total
        self._written.append(token)
        ended = self._weights.is_end(token)
        before = len(self._text)
        self._text += self._decoder.decode(b"" if ended else self._weights.piece(token), final=ended)
        places = [self._text.find(each, max(0, before - self._held)) for each in self._stop]
        cut = min((place for place in places if place >= 0), default=None)
        self._text = self._text[:cut]
        self._stopped = ended or cut is not None
        finished = self._stopped or not self._left
        ready = len(self._text) - (0 if finished else self._held)
        if ready > self._emitted:
            emit(self._text[self._emitted : ready])
            self._emitted = ready
        return None if finished else token

    def result(self, usage: Usage) -> Generation:
        return Generation(
            text=self._text,
            token_ids=tuple(self._written),
            prompt_ids=tuple(self.tokens.tolist()),
            logprob=self._logprob,
            finish="stop" if self._stopped else "length",
            usage=usage + Usage(completion_tokens=len(self._written)),
            thought=self._thought.text if self._thought else "",
        )

    def close(self) -> None:
        self._picker.close()


def _total(logits: Logits) -> float:
    """log_sum_exp of logits that must be numbers: a damaged or overdriven adapter gives others."""
    total = log_sum_exp(logits)
    if not math.isfinite(total):
        raise EngineError("the model's scores are no numbers", remedy="Check weights and adapters, and their scales")
    return total
