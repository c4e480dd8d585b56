"""ChatTemplate: from messages to tokens, by the model's own template, so that no document can forge a turn.

The template comes out of a GGUF file and is rendered in jinja2's sandbox (CVE-2024-34359 was a template that ran code).
It never sees the messages' text: it is rendered over markers, and the text is put in their place as tokens. So
`<|im_end|>` in a document is the ten characters, not the end of the turn.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NoReturn

import jinja2
import numpy as np
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rlm_local.models.errors import TemplateError
from rlm_local.models.kv import Tokens
from rlm_local.models.llama import Weights
from rlm_local.models.prompt import Prompt
from rlm_local.models.thinking import Bound, thinking_of

_MARKER = re.compile(r"\[\[message-(\d+)\]\]")
_TODAY = datetime(2025, 1, 1)  # noqa: DTZ001 - what templates are told, so that a prompt begins the same every day
_CACHED_CHARACTERS = 20_000  # longer texts are seldom seen twice, and would fill the cache


@dataclass(frozen=True)
class Encoded:
    """A prompt as tokens.

    Attributes:
        fixed: how many of the first tokens belong to the fixed messages, for each number of these.
        thought: the thought that comes first, and after which the prefill comes; None where the model answers at once.
    """

    tokens: Tokens
    fixed: tuple[int, ...]
    thought: Bound | None = None


class ChatTemplate:
    """The chat template of a model.

    Raises:
        TemplateError: the model has none, or it is no jinja2.
    """

    def __init__(self, weights: Weights) -> None:
        if not weights.chat_template:
            raise TemplateError(
                "the model has no chat template", remedy="Use an instruct model: base models are not supported"
            )
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        try:
            self._template = environment.from_string(weights.chat_template)
        except jinja2.TemplateError as error:
            raise TemplateError(f"the chat template is broken: {error}") from error
        self._weights = weights
        self._thinking = None
        self._thinking = thinking_of(weights.chat_template, self._opening())
        self._layout = lru_cache(maxsize=64)(self._render)
        self._tokenize_cached = lru_cache(maxsize=1024)(self._tokenize)

    @property
    def thinks(self) -> bool:
        """Whether the model can think before it answers."""
        return self._thinking is not None

    def encode(self, prompt: Prompt, *, thinking: int = 0) -> Encoded:
        """The prompt's tokens, up to the end of the prefill, or to where a thought begins.

        Args:
            thinking: the most tokens that a thought may have; none where the model does not think.

        Raises:
            TemplateError: the template refuses these roles, or leaves a message out.
        """
        thinks = self._thinking if thinking else None
        pieces = self._layout(tuple(message.role for message in prompt.messages), thinks is not None)
        tokens: list[int] = []
        fixed: list[int] = []
        for piece in pieces:
            if isinstance(piece, str):
                tokens += self._tokens(piece, special=True)
            else:
                if piece in prompt.fixed:
                    fixed.append(len(tokens))
                tokens += self._tokens(prompt.messages[piece].content, special=False)
        if len(prompt.messages) in prompt.fixed:
            fixed.append(len(tokens))
        prefill = self._tokens(prompt.prefill, special=False)
        if thinks is None:
            return Encoded(np.asarray([*tokens, *prefill], np.int32), tuple(fixed))
        answers, cut = (self._tokens(text, special=True) for text in (thinks.answers, thinks.cut + thinks.answers))
        thought = Bound(thinking, thinks.ends, (*answers, *prefill), (*cut, *prefill))
        return Encoded(np.asarray(tokens, np.int32), tuple(fixed), thought)

    def _tokens(self, text: str, *, special: bool) -> tuple[int, ...]:
        tokenize = self._tokenize_cached if len(text) <= _CACHED_CHARACTERS else self._tokenize
        return tokenize(text, special)

    def _tokenize(self, text: str, special: bool) -> tuple[int, ...]:
        return tuple(self._weights.tokenize(text, special=special))

    def _opening(self) -> str:
        """What a turn of the model begins with, as the template has it with thinking on; empty if it cannot be had."""
        try:
            last = self._render(("user",), True)[-1]
        except TemplateError:  # it is raised where it matters
            return ""
        return last if isinstance(last, str) else ""

    def _render(self, roles: tuple[str, ...], thinking: bool) -> tuple[str | int, ...]:
        """The template over these roles: its own text, and the numbers of the messages in between."""
        messages = [{"role": role, "content": f"[[message-{number}]]"} for number, role in enumerate(roles)]
        try:
            text = self._template.render(
                messages=messages,
                add_generation_prompt=True,
                bos_token=self._weights.bos,
                eos_token=self._weights.eos,
                raise_exception=_refuse,
                strftime_now=_TODAY.strftime,
                enable_thinking=thinking,
            )
        except jinja2.TemplateError as error:
            raise TemplateError(f"the chat template refuses the roles {', '.join(roles)}: {error}") from error
        parts = _MARKER.split(text)
        pieces = [int(part) if place % 2 else part for place, part in enumerate(parts)]
        if [piece for piece in pieces if isinstance(piece, int)] != list(range(len(roles))):
            raise TemplateError(f"the chat template does not keep the messages in order: {', '.join(roles)}")
        if self._thinking is not None:
            opening = str(pieces[-1])  # what comes after the last message: a split ends in text
            pieces[-1] = self._thinking.begin(opening) if thinking else self._thinking.skip(opening)
        return tuple(piece for piece in pieces if piece != "")


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
