"""LocalCursor: this process's side of a cursor."""

from collections.abc import Callable, Sequence

from rlm_local.models.local.talk import Talk
from rlm_local.models.result import Choice, Usage


class LocalCursor:
    """A reply in the making; see `rlm_local.models.model.Cursor` for what each method does."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    @property
    def text(self) -> str:
        return self._talk.ask("text", {})

    @property
    def token_ids(self) -> tuple[int, ...]:
        return self._talk.ask("token_ids", {})

    @property
    def usage(self) -> Usage:
        return self._talk.ask("usage", {})

    def append(self, text: str) -> None:
        self._talk.ask("append", {}, text=text)

    def choose(self, options: Sequence[str], *, bias: Sequence[float] | None = None) -> Choice:
        return self._talk.ask("choose", {}, options=list(options), bias=bias)

    def write(self, *, stop: Sequence[str], max_tokens: int, allow: Callable[[str], bool] | None = None) -> str:
        callbacks = {} if allow is None else {"allow": allow}
        return self._talk.ask("write", callbacks, stop=list(stop), max_tokens=max_tokens)

    def mark(self) -> int:
        return self._talk.ask("mark", {})

    def rewind(self, mark: int) -> None:
        self._talk.ask("rewind", {}, mark=mark)
