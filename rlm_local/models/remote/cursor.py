"""RemoteCursor: one reply, written slot by slot, each step a request that goes on from the text so far."""

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import numpy as np

from rlm_local.models.cancel import Cancel
from rlm_local.models.logits import normalise
from rlm_local.models.prompt import Prompt
from rlm_local.models.remote.options import check
from rlm_local.models.result import Choice, Scores, Usage

if TYPE_CHECKING:
    from rlm_local.models.remote.reply import Reply

_LIKELIEST = 20

_R = TypeVar("_R")


class Asked(Protocol):
    """The part of a RemoteModel that a cursor needs."""

    def wait_for(self, work: Callable[[], Awaitable[_R]], cancel: Cancel | None) -> _R: ...
    def body(self, prompt: Prompt, **how: Any) -> dict[str, Any]: ...
    async def ask(self, body: dict[str, Any], *, urgent: bool) -> "Reply": ...
    async def score(self, prompt: Prompt, options: Sequence[str], *, urgent: bool) -> Scores: ...


class RemoteCursor:
    """A reply in the making; see `rlm_local.models.model.Cursor` for what each method does."""

    def __init__(self, model: Asked, prompt: Prompt, cancel: Cancel | None) -> None:
        self.text = ""
        self.usage = Usage()
        self.token_ids: tuple[int, ...] = ()  # servers tell texts
        self._model = model
        self._prompt = prompt
        self._cancel = cancel
        self._marks: list[str] = []

    def append(self, text: str) -> None:
        self.text += text

    def choose(self, options: Sequence[str], *, bias: Sequence[float] | None = None) -> Choice:
        check(options)
        scores = self._model.wait_for(lambda: self._model.score(self._so_far(), options, urgent=True), self._cancel)
        self.usage += scores.usage
        logprobs = np.array(scores.logprobs)
        biased = logprobs if bias is None else normalise(logprobs + np.asarray(bias))
        index = int(biased.argmax())
        self.text += options[index]
        return Choice(options[index], index, scores.logprobs, tuple(biased.tolist()))

    def write(self, *, stop: Sequence[str], max_tokens: int, allow: Callable[[str], bool] | None = None) -> str:
        """As many requests as there are places where the likeliest token is refused, and one."""
        written, left = "", max_tokens
        while left > 0:
            reply = self._ask(written, stop, left)
            if allow is None or reply.tokens is None:
                grown = written + reply.text
                if allow is None or allow(grown):
                    written = grown
                break
            written, left, over = _walk(written, reply, stop, left, allow)
            if over:
                break
        self.text += written
        return written

    def mark(self) -> int:
        self._marks.append(self.text)
        return len(self._marks) - 1

    def rewind(self, mark: int) -> None:
        self.text = self._marks[mark]
        del self._marks[mark + 1 :]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._marks.clear()

    def _so_far(self, more: str = "") -> Prompt:
        return Prompt(self._prompt.messages, prefill=self._prompt.prefill + self.text + more)

    def _ask(self, written: str, stop: Sequence[str], left: int) -> "Reply":
        how: dict[str, Any] = {"max_tokens": left, "logprobs": True, "top_logprobs": _LIKELIEST}
        body = self._model.body(self._so_far(written), **how, **({"stop": list(stop)} if stop else {}))
        reply = self._model.wait_for(lambda: self._model.ask(body, urgent=True), self._cancel)
        self.usage += reply.usage
        return reply


def _walk(
    written: str, reply: "Reply", stop: Sequence[str], left: int, allow: Callable[[str], bool]
) -> tuple[str, int, bool]:
    """Take over a reply up to the first token that is refused, and the next likeliest there in its stead.

    Returns:
        The text, how many tokens may still follow, and whether it ends here.
    """
    for token in reply.tokens or ():
        left -= 1
        offered = (token.text, *(text for text, _ in token.likeliest if text != token.text))
        for text in offered:
            grown, ended = _cut(written + text, stop)
            if text and allow(grown):
                break
        else:
            return written, left, True
        written = grown
        if ended or text != token.text:
            return written, left, ended
    return written, left, True


def _cut(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """The text before the first stop string, and whether there is one."""
    place = min((at for each in stop if (at := text.find(each)) >= 0), default=-1)
    return (text, False) if place < 0 else (text[:place], True)
