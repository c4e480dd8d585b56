"""Model: the interface of a language model. `LocalModel` implements it; tests bring scripted models."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from rlm_local.models.cancel import Cancel
from rlm_local.models.prompt import Prompt
from rlm_local.models.result import Choice, Generation, Scores, Usage


class Cursor(Protocol):
    """One reply, written slot by slot; see `Model.cursor`, which gives it as a context manager."""

    @property
    def text(self) -> str:
        """Everything that was written after the prompt."""
        ...

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The tokens of `text`."""
        ...

    @property
    def usage(self) -> Usage:
        """What the steps so far have cost."""
        ...

    def append(self, text: str) -> None:
        """Write literal text, which is evaluated with the next step."""
        ...

    def choose(self, options: Sequence[str], *, bias: Sequence[float] | None = None) -> Choice:
        """Write the likeliest of some options, each an exact continuation.

        Args:
            options: up to a few hundred texts. A token need not end where an option ends (`=",` is one token), so give
                each option with what follows it, up to where a token surely ends: a line break, or the space before a
                word.
            bias: added to the options' log probabilities before the choice, in nats.

        Raises:
            ValueError: no option, an empty one, or the same one twice.
            PromptTooLong: the reply has outgrown the context.
            Cancelled: by the cursor's cancel.
        """
        ...

    def write(self, *, stop: Sequence[str], max_tokens: int, allow: Callable[[str], bool] | None = None) -> str:
        """Write free text, greedily, and return it.

        Args:
            stop: strings that end the text; the one that ended it is not kept.
            allow: called with the text as it would be after each next token, and with the whole text if it would end.
                If it returns False, the next likeliest token is tried. If it refuses all, the text ends.

        Raises:
            PromptTooLong: the reply has outgrown the context.
            Cancelled: by the cursor's cancel.
        """
        ...

    def mark(self) -> int:
        """Remember this place, for `rewind`."""
        ...

    def rewind(self, mark: int) -> None:
        """Forget everything that was written after a mark."""
        ...


class Model(Protocol):
    """A language model. All methods may be called from any thread; results are in the prompts' order.

    Every call takes `cancel`, which makes it raise Cancelled or DeadlineExceeded. It raises PromptTooLong if a prompt
    does not fit, before anything is evaluated, and returns an empty list if there are no prompts. Whichever ModelError
    it raises, the error's `usage` says what was evaluated until then. `on_done` is called in the caller's thread with
    the index of each prompt that is done. `adapters` maps names of loaded LoRA adapters to scales; an unknown name
    raises AdapterError.

    Cursors, and calls with one prompt, go before calls with many, so that a decision does not wait for a map. Calls
    with the same `cancel` belong to one caller, and callers take turns.
    """

    @property
    def name(self) -> str:
        """The catalog's name of the model."""
        ...

    @property
    def n_ctx(self) -> int:
        """The most tokens that a prompt and its reply may have together."""
        ...

    @property
    def template_sha256(self) -> str:
        """The hash of the chat template: with another template, the same messages become other tokens."""
        ...

    @property
    def thinks(self) -> bool:
        """Whether the model can think before it replies, if a prompt allows it."""
        ...

    def count(self, text: str) -> int:
        """The number of tokens of a plain text."""
        ...

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        """The tokens that the model sees for a prompt, up to the end of its prefill."""
        ...

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
        """Write free text, greedily at temperature 0.

        Args:
            seed: for the first prompt; each next prompt has the next number.
            on_text: called with a prompt's index and the text that was added, as it is written.

        Raises:
            ValueError: `max_tokens` is below 1, a stop string is empty, or the temperature is negative or no number.
        """
        ...

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
        """Write text under a GBNF grammar, greedily.

        Raises:
            GrammarError: the grammar cannot be parsed.
        """
        ...

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
        """Score how likely each option is as the start of the reply; nothing is generated.

        Args:
            bias: added to the options' log probabilities, in nats, one number an option; fitted on labelled items.
            neutral: the same prompts with nothing in place of the item (`prompt.NEUTRAL`), by which the scores are
                calibrated; see `rlm_local.models.calibration`. Their cost is in the usage of the first result.

        Raises:
            ValueError: there is no option, an empty one, or the same one twice; or not one number of bias for each.
        """
        ...

    def cursor(
        self, prompt: Prompt, *, adapters: Mapping[str, float] | None = None, cancel: Cancel | None = None
    ) -> AbstractContextManager[Cursor]:
        """Begin a reply that is written slot by slot."""
        ...

    def close(self) -> None:
        """Free memory and threads; calls that are waiting raise EngineError."""
        ...
