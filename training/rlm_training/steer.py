"""A model whose plans are steered: one op is wanted, or every choice is sampled, and what was chosen is traced."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from rlm_local.models import Cancel, Choice, Cursor, Model, Prompt


@dataclass
class Sampling:
    """Choices at temperature 1, by noise that is added to the log probabilities (Gumbel's, which makes the likeliest a
    sample). `traces` has, for each reply begun, which of its tokens were chosen, as spans of places."""

    seed: int
    traces: list[list[tuple[int, int]]] = field(default_factory=list[list[tuple[int, int]]])

    def __post_init__(self) -> None:
        self._chance = np.random.default_rng(self.seed)

    def noise(self, options: int) -> list[float]:
        """For each of so many options, in nats."""
        return self._chance.gumbel(size=options).tolist()


_wanted: ContextVar[str] = ContextVar("wanted", default="")
_sampling: ContextVar[Sampling | None] = ContextVar("sampling", default=None)


@contextmanager
def towards(op: str) -> Generator[None]:
    """Plans that a steerable model writes for this thread have this op, where it is open; empty: its own."""
    token = _wanted.set(f" {op}\n" if op else "")
    try:
        yield
    finally:
        _wanted.reset(token)


@contextmanager
def sampled(seed: int) -> Generator[Sampling]:
    """Replies that a steerable model writes for this thread are sampled."""
    sampling = Sampling(seed)
    token = _sampling.set(sampling)
    try:
        yield sampling
    finally:
        _sampling.reset(token)


def steerable(model: Model) -> Model:
    """The model, which writes replies as it is told for the thread. Child nodes, which have their own, are free."""
    return cast("Model", _Steerable(model))


class _Steerable:
    def __init__(self, model: Model) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    @contextmanager
    def cursor(
        self, prompt: Prompt, *, adapters: Mapping[str, float] | None = None, cancel: Cancel | None = None
    ) -> Generator[Cursor]:
        with self._model.cursor(prompt, adapters=adapters, cancel=cancel) as cursor:
            sampling = _sampling.get()
            steered = _Sampled(cursor, sampling) if sampling else _Steered(cursor, _wanted.get())
            yield cast("Cursor", steered)


class _Steered:
    """Takes the wanted option wherever it is among those offered; the log probabilities are the model's own."""

    def __init__(self, cursor: Cursor, option: str) -> None:
        self._cursor, self._option = cursor, option

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def choose(self, options: Sequence[str], *, bias: Sequence[float] | None = None) -> Choice:
        mark = self._cursor.mark()
        choice = self._cursor.choose(options, bias=bias)
        if self._option not in options:
            return choice
        wanted = options.index(self._option)
        self._cursor.rewind(mark)
        self._cursor.append(self._option)
        certain = tuple(0.0 if place == wanted else -100.0 for place in range(len(options)))
        return Choice(self._option, wanted, choice.logprobs, certain)


class _Sampled:
    """Samples each choice, and traces it; an option that is written after a rewind was chosen, too."""

    def __init__(self, cursor: Cursor, sampling: Sampling) -> None:
        self._cursor, self._sampling = cursor, sampling
        self._spans: list[tuple[int, int]] = []
        self._offered: Sequence[str] = ()
        sampling.traces.append(self._spans)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def choose(self, options: Sequence[str], *, bias: Sequence[float] | None = None) -> Choice:
        self._offered = options
        start = len(self._cursor.token_ids)
        noise = self._sampling.noise(len(options))
        noisy = [own + by_chance for own, by_chance in zip(bias or [0.0] * len(options), noise, strict=True)]
        choice = self._cursor.choose(options, bias=noisy)
        self._spans.append((start, len(self._cursor.token_ids)))
        return choice

    def append(self, text: str) -> None:
        start = len(self._cursor.token_ids) if text in self._offered else 0
        self._cursor.append(text)
        if text in self._offered:
            self._spans.append((start, len(self._cursor.token_ids)))
        self._offered = ()

    def rewind(self, mark: int) -> None:
        self._cursor.rewind(mark)
        end = len(self._cursor.token_ids)
        self._spans[:] = [span for span in self._spans if span[1] <= end]
