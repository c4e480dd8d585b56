"""A model whose replies are steered: where they look is said, or drawn."""

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, cast

from rlm_local.models import Cancel, Choice, Cursor, Model, Prompt


class Steering(Protocol):
    """Says which option a reply takes."""

    def pick(self, prompt: Prompt, options: Sequence[str], logprobs: Sequence[float]) -> int | None:
        """The place of the option to take; None leaves it to the model."""
        ...


@dataclass(frozen=True)
class Wanted:
    """Looks there, wherever that is open."""

    look: str

    def pick(self, prompt: Prompt, options: Sequence[str], logprobs: Sequence[float]) -> int | None:  # noqa: ARG002
        option = f" {self.look}\n"
        return options.index(option) if option in options else None


@dataclass
class Drawn:
    """Draws the first choice by how likely the model finds each option, and remembers what was asked and drawn."""

    seed: int
    prompt: Prompt | None = None
    option: str = ""

    def pick(self, prompt: Prompt, options: Sequence[str], logprobs: Sequence[float]) -> int | None:
        if self.option:
            return None
        chance = Random(self.seed)  # noqa: S311  (it is to be repeated)
        [drawn] = chance.choices(range(len(options)), [math.exp(logprob) for logprob in logprobs])
        self.prompt, self.option = prompt, options[drawn]
        return drawn

    @property
    def look(self) -> str:
        return self.option.strip()


_steering: ContextVar[Steering | None] = ContextVar("steering", default=None)


@contextmanager
def steered(steering: Steering | None) -> Generator[None]:
    """Replies that a steerable model writes for this thread go where they are steered; None: their own way."""
    token = _steering.set(steering)
    try:
        yield
    finally:
        _steering.reset(token)


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
            steering = _steering.get()
            yield cast("Cursor", _Steered(cursor, prompt, steering)) if steering else cursor


class _Steered:
    """Takes what it is steered to, and rules out the other options; the log probabilities are the model's own."""

    def __init__(self, cursor: Cursor, prompt: Prompt, steering: Steering) -> None:
        self._cursor, self._prompt, self._steering = cursor, prompt, steering

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def choose(self, options: Sequence[str], *, bias: Sequence[float] | None = None) -> Choice:
        mark = self._cursor.mark()
        choice = self._cursor.choose(options, bias=bias)
        picked = self._steering.pick(self._prompt, options, choice.logprobs)
        if picked is None:
            return choice
        self._cursor.rewind(mark)
        self._cursor.append(options[picked])
        certain = tuple(0.0 if place == picked else -math.inf for place in range(len(options)))
        return Choice(options[picked], picked, choice.logprobs, certain)
