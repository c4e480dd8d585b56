"""ScriptedModel: a Model that answers from functions, for tests of what is built on models."""

import math
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

from rlm_local.models import Cancel, Choice, Generation, Prompt, Scores, Usage
from rlm_local.models.errors import PromptTooLong

_WORD = re.compile(r"\w+|[^\w\s]")
_SURE = 0.9


class ScriptedModel:
    """A model without weights: a token is a word or a sign.

    Args:
        reply: the text that `generate` and `extract` give for a prompt.
        choose: the option that `choose` prefers for a prompt.
        slot: the option that a cursor prefers, given its prompt, the text so far and the options.
        write: the text that a cursor writes, given its prompt and the text so far.
        thinks: whether a reply comes after a thought, where its prompt lets it.
        sure: how likely a cursor finds the option that it prefers.

    Attributes:
        calls: what was asked, in order: the method's name and the prompt.
    """

    def __init__(
        self,
        reply: Callable[[Prompt], str] = lambda prompt: "",
        *,
        choose: Callable[[Prompt, Sequence[str]], str] = lambda prompt, options: options[0],
        slot: Callable[[Prompt, str, Sequence[str]], str] = lambda prompt, text, options: options[0],
        write: Callable[[Prompt, str], str] = lambda prompt, text: "",
        name: str = "scripted",
        n_ctx: int = 8192,
        thinks: bool = False,
        sure: float = _SURE,
    ) -> None:
        self.name = name
        self.template_sha256 = "0" * 64
        self.n_ctx = n_ctx
        self.thinks = thinks
        self.sure = sure
        self.calls: list[tuple[str, Prompt]] = []
        self._reply = reply
        self._choose = choose
        self.slot = slot
        self.write = write

    def count(self, text: str) -> int:
        return len(_WORD.findall(text))

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        text = " ".join([*(f"{message.role}: {message.content}" for message in prompt.messages), prompt.prefill])
        return tuple(sum(word.encode(errors="replace")) for word in _WORD.findall(text))

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: Callable[[int], None] | None = None,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Generation]:
        results: list[Generation] = []
        for index, prompt in enumerate(self._each("generate", prompts, cancel, on_done)):
            text = self._reply(prompt)
            text = text[: min((place for each in stop if (place := text.find(each)) >= 0), default=None)]
            words = list(_WORD.finditer(text))
            finish = "length" if len(words) > max_tokens else "stop"
            text = text[: words[max_tokens - 1].end()] if finish == "length" else text
            if on_text is not None:
                on_text(index, text)
            count = min(len(words), max_tokens)
            usage = self._usage(prompt) + Usage(completion_tokens=count)
            thought = "Let me see." if self.thinks and prompt.thinking else ""
            results.append(
                Generation(text, tuple(range(count)), self.encode(prompt), -0.1 * count, finish, usage, thought)
            )
        return results

    def extract(
        self,
        prompts: Sequence[Prompt],
        *,
        grammar: str,
        max_tokens: int,
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: Callable[[int], None] | None = None,
    ) -> list[Generation]:
        return self.generate(prompts, max_tokens=max_tokens, cancel=cancel, on_done=on_done)

    def choose(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[str],
        *,
        bias: Sequence[float] | None = None,
        neutral: Sequence[Prompt] = (),
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: Callable[[int], None] | None = None,
    ) -> list[Scores]:
        """As scripted, without calibration: the script knows best."""
        results: list[Scores] = []
        for prompt in self._each("choose", prompts, cancel, on_done):
            logprobs = preferring(options, self._choose(prompt, options))
            results.append(Scores(tuple(options), logprobs, logprobs, self._usage(prompt)))
        return results

    @contextmanager
    def cursor(
        self, prompt: Prompt, *, adapters: Mapping[str, float] | None = None, cancel: Cancel | None = None
    ) -> Generator["ScriptedCursor"]:
        for _ in self._each("cursor", [prompt], cancel, None):
            yield ScriptedCursor(self, prompt, cancel)

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _usage(self, prompt: Prompt) -> Usage:
        return Usage(prompt_tokens=len(self.encode(prompt)))

    def _each(
        self, call: str, prompts: Sequence[Prompt], cancel: Cancel | None, on_done: Callable[[int], None] | None
    ) -> Generator[Prompt]:
        longest = max((len(self.encode(prompt)) for prompt in prompts), default=0)
        if longest >= self.n_ctx:
            raise PromptTooLong(longest, self.n_ctx - 1)
        for index, prompt in enumerate(prompts):
            if cancel is not None:
                cancel.check()
            self.calls.append((call, prompt))
            yield prompt
            if on_done is not None:
                on_done(index)


class ScriptedCursor:
    """A reply that is written by a ScriptedModel's functions."""

    def __init__(self, model: ScriptedModel, prompt: Prompt, cancel: Cancel | None) -> None:
        self.text = ""
        self._model = model
        self._prompt = prompt
        self._cancel = cancel
        self._written = 0

    @property
    def token_ids(self) -> tuple[int, ...]:
        return tuple(range(self._model.count(self.text)))

    @property
    def usage(self) -> Usage:
        return Usage(prompt_tokens=len(self._model.encode(self._prompt)), completion_tokens=self._written)

    def append(self, text: str) -> None:
        self.text += text

    def choose(self, options: Sequence[str], *, bias: Sequence[float] | None = None) -> Choice:
        if self._cancel is not None:
            self._cancel.check()
        logprobs = preferring(options, self._model.slot(self._prompt, self.text, options), self._model.sure)
        shifted = [logprob + extra for logprob, extra in zip(logprobs, bias or [0.0] * len(options), strict=True)]
        total = math.log(sum(math.exp(value) for value in shifted))
        biased = tuple(value - total for value in shifted)
        index = biased.index(max(biased))
        self.text += options[index]
        self._written += self._model.count(options[index])
        return Choice(options[index], index, logprobs, biased)

    def write(self, *, stop: Sequence[str], max_tokens: int, allow: Callable[[str], bool] | None = None) -> str:
        if self._cancel is not None:
            self._cancel.check()
        text = self._model.write(self._prompt, self.text)
        assert allow is None or allow(text), f"the script writes {text!r}, which is not allowed here"
        self.text += text
        self._written += self._model.count(text)
        return text

    def mark(self) -> int:
        return len(self.text)

    def rewind(self, mark: int) -> None:
        self.text = self.text[:mark]


def preferring(options: Sequence[str], best: str, sure: float = _SURE) -> tuple[float, ...]:
    """Log probabilities that leave little to all options but one."""
    assert best in options, f"the script chooses {best!r}, which is not among {list(options)}"
    if len(options) == 1:
        return (0.0,)
    rest = math.log((1 - sure) / (len(options) - 1))
    return tuple(math.log(sure) if option == best else rest for option in options)
