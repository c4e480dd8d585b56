"""Cursor: one reply, written slot by slot: literal text, a choice, free text, and back again.

A cursor holds no memory in the engine: it is a list of tokens. Each step asks for the logits after them, and the
scheduler finds nearly all of them in the KV. So an open cursor can never keep another call waiting.
"""

import codecs
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from rlm_local.models.adapters import AdapterSet
from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import ModelError, PromptTooLong
from rlm_local.models.job import Done, Task
from rlm_local.models.leaf import Peek, Score
from rlm_local.models.llama import Weights
from rlm_local.models.logits import in_turn, normalise
from rlm_local.models.options import Options
from rlm_local.models.result import Choice, Usage
from rlm_local.models.scheduler import Scheduler
from rlm_local.models.template import Encoded

_CANDIDATES = 256  # tokens that are offered to `allow` before the text is taken as ended


class LlamaCursor:
    """A reply in the making; see `rlm_local.models.model.Cursor` for what each method does."""

    def __init__(
        self,
        weights: Weights,
        scheduler: Scheduler,
        prompt: Encoded,
        *,
        limit: int,
        cancel: Cancel | None,
        adapters: AdapterSet,
    ) -> None:
        self._weights = weights
        self._adapters = adapters
        self._scheduler = scheduler
        self._fixed = prompt.fixed
        self._limit = limit
        self._cancel = cancel
        self._start = len(prompt.tokens)
        self._tokens: list[int] = prompt.tokens.tolist()
        self._literal = ""  # appended and not tokenized yet: adjoining literals are tokenized as one
        self._text = ""
        self._marks: list[tuple[int, int]] = []
        self._evaluated = 0
        self._cached = 0
        self._generated = 0

    @property
    def text(self) -> str:
        return self._text

    @property
    def token_ids(self) -> tuple[int, ...]:
        self._settle()
        return tuple(self._tokens[self._start :])

    @property
    def usage(self) -> Usage:
        return Usage(max(0, self._evaluated - self._generated), self._cached, self._generated)

    def append(self, text: str) -> None:
        self._literal += text
        self._text += text

    def choose(self, options: Sequence[str], *, bias: Sequence[float] | None = None) -> Choice:
        tokens = [self._weights.tokenize(option) for option in options]
        trie = Options(tokens)
        self._settle()
        prompts = [np.asarray([*self._tokens, *branch.path], np.int32) for branch in trie.branches]
        scored = self._run(
            [
                Score(prompt, branch.children, fixed=self._fixed, kept=not branch.path)
                for prompt, branch in zip(prompts, trie.branches, strict=True)
            ]
        )
        logprobs = trie.logprobs(scored)
        biased = logprobs if bias is None else normalise(logprobs + np.asarray(bias))
        index = int(biased.argmax())
        self._tokens += tokens[index]
        self._text += options[index]
        self._generated += len(tokens[index])
        return Choice(options[index], index, tuple(logprobs.tolist()), tuple(biased.tolist()))

    def write(self, *, stop: Sequence[str], max_tokens: int, allow: Callable[[str], bool] | None = None) -> str:
        self._settle()
        written: list[int] = []
        data = b""
        stops = [each.encode() for each in stop]
        cut = -1
        while len(written) < max_tokens and cut < 0:
            token = self._next(data, stops, allow)
            if token is None:
                break
            written.append(token)
            self._tokens.append(token)
            self._generated += 1
            data += self._weights.piece(token)
            cut = _find(data, stops)
        if cut >= 0:
            data = data[:cut]
            self._give_back(written, data)
        text = data.decode(errors="replace")
        self._text += text
        return text

    def mark(self) -> int:
        self._settle()
        self._marks.append((len(self._tokens), len(self._text)))
        return len(self._marks) - 1

    def rewind(self, mark: int) -> None:
        tokens, text = self._marks[mark]
        self._literal = ""
        self._tokens = self._tokens[:tokens]
        self._text = self._text[:text]
        self._marks = self._marks[: mark + 1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._marks.clear()

    def _next(self, data: bytes, stops: Sequence[bytes], allow: Callable[[str], bool] | None) -> int | None:
        """The likeliest token that may follow; None where the reply ends, or where nothing is allowed."""
        [logits] = self._run([Peek(np.asarray(self._tokens, np.int32))])
        for token in in_turn(logits, _CANDIDATES):
            if allow is None or allow(_whole(data + self._weights.piece(token), stops)):
                return None if self._weights.is_end(token) else token
        return None

    def _give_back(self, written: Sequence[int], kept: bytes) -> None:
        """Leave only the tokens of the kept text: the last token may hold the stop string and more."""
        whole, length = 0, 0
        for token in written:
            size = len(self._weights.piece(token))
            if length + size > len(kept):
                break
            whole, length = whole + 1, length + size
        del self._tokens[len(self._tokens) - len(written) + whole :]
        self._tokens += self._weights.tokenize(kept[length:].decode(errors="replace"))

    def _settle(self) -> None:
        """Turn pending literal text into tokens."""
        self._tokens += self._weights.tokenize(self._literal)
        self._literal = ""

    def _run(self, tasks: Sequence[Task]) -> list[Any]:
        longest = max(len(task.tokens) for task in tasks)
        if longest > self._limit:
            raise PromptTooLong(longest, self._limit)
        results: list[Any] = [None] * len(tasks)
        before = self.usage
        try:
            for event in self._scheduler.run(tasks, self._cancel, urgent=True, adapters=self._adapters):
                if isinstance(event, Done):
                    results[event.index], usage = event.result
                    if not self._evaluated:
                        self._cached = usage.cached_tokens
                    self._evaluated += usage.prompt_tokens
        except ModelError as error:
            error.usage += before
            raise
        return results


def _find(data: bytes, stops: Sequence[bytes]) -> int:
    """Where the first stop string begins; -1 without one."""
    return min((place for stop in stops if (place := data.find(stop)) >= 0), default=-1)


def _whole(data: bytes, stops: Sequence[bytes]) -> str:
    """The text before the first stop string, without a character that is not whole yet."""
    cut = _find(data, stops)
    return codecs.getincrementaldecoder("utf-8")("replace").decode(data if cut < 0 else data[:cut])
