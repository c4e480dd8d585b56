"""A model whose plans begin as wanted: what each op of a plan comes to from the same state."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from rlm_local.models import Cancel, Choice, Cursor, Model, Prompt

_wanted: ContextVar[str] = ContextVar("wanted", default="")


@contextmanager
def towards(op: str) -> Generator[None]:
    """Plans that a steerable model writes for this thread have this op, where it is open; empty: its own."""
    token = _wanted.set(f" {op}\n" if op else "")
    try:
        yield
    finally:
        _wanted.reset(token)


def steerable(model: Model) -> Model:
    """The model, which writes its plans as `towards` says. Child nodes, which have threads of their own, are free."""
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
            yield cast("Cursor", _SteeredCursor(cursor, _wanted.get()))


class _SteeredCursor:
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
