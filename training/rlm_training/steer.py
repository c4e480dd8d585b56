"""A model whose plans begin as wanted: what each op of a plan comes to from the same state."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from rlm_local.models import Cancel, Choice, Cursor, Model, Prompt


def steered(model: Model, op: str) -> Model:
    """The model, but each plan that it writes has this op where that is open; the log probabilities are its own."""
    return cast("Model", _Steered(model, f" {op}\n"))


class _Steered:
    def __init__(self, model: Model, option: str) -> None:
        self._model, self._option = model, option

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    @contextmanager
    def cursor(
        self, prompt: Prompt, *, adapters: Mapping[str, float] | None = None, cancel: Cancel | None = None
    ) -> Generator[Cursor]:
        with self._model.cursor(prompt, adapters=adapters, cancel=cancel) as cursor:
            yield cast("Cursor", _SteeredCursor(cursor, self._option))


class _SteeredCursor:
    """Takes the wanted option wherever it is among those offered."""

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
