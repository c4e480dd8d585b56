"""A model whose replies can be steered: where they look is given, or drawn at random."""

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, cast

from rlm_local.models import Cancel, Choice, Cursor, Model, Prompt


class Steering(Protocol):
    """Chooses which option a reply takes."""

    def pick(self, prompt: Prompt, options: Sequence[str], logprobs: Sequence[float]) -> int | None:
        """The index of the option to take; None leaves it to the model."""
        ...


@dataclass(frozen=True)
class Wanted:
    """Takes a given look, wherever it is an option."""

    look: str

    def pick(self, prompt: Prompt, options: Sequence[str], logprobs: Sequence[float]) -> int | None:  # noqa: ARG002
        option = f" {self.look}\n"
        return options.index(option) if option in options else None


@dataclass
class Drawn:
    """Draws the first choice with the model's probabilities, and remembers the prompt and the option."""

    seed: int
    prompt: Prompt | None = None
    option: str = ""

    def pick(self, prompt: Prompt, options: Sequence[str], logprobs: Sequence[float]) -> int | None:
        if self.option:
            return None
        chance = Random(self.seed)  # noqa: S311  (has to be repeatable)
        [drawn] = chance.choices(range(len(options)), [math.exp(logprob) for logprob in logprobs])
        self.prompt, self.option = prompt, options[drawn]
        return drawn

    @property
    def look(self) -> str:
        return self.option.strip()


_steering: ContextVar[Steering | None] = ContextVar("steering", default=None)


@contextmanager
def steered(steering: Steering | None) -> Generator[None]:
    """Steers the replies that a steerable model writes in this context; None leaves them to the model."""
    token = _steering.set(steering)
    try:
        yield
    finally:
        _steering.reset(token)


def steerable(model: Model) -> Model:
    """The model, with replies that `steered` steers. Child nodes run in other threads, and are not steered."""
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
    """Takes the chosen option and rules out the others; the log probabilities stay the model's own."""

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
