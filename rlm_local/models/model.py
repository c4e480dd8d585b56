"""Model: what the rest of rlm-local knows of a language model. LocalModel is one; tests bring scripted ones."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from rlm_local.models.cancel import Cancel
from rlm_local.models.prompt import Prompt
from rlm_local.models.result import Choice, Generation, Scores, Usage


class Cursor(Protocol):
    """One reply, written slot by slot; a context manager comes with it, see `Model.cursor`."""

    @property
    def text(self) -> str:
        """All that was written after the prompt."""
        ...

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The tokens of `text`."""
        ...

    @property
    def usage(self) -> Usage:
        """What the steps so far cost."""
        ...

    def append(self, text: str) -> None:
        """Write literal text; it is evaluated with the next step."""
        ...

    def choose(self, options: Sequence[str], *, bias: Sequence[float] | None = None) -> Choice:
        """Write the likeliest of some options, each an exact continuation.

        Args:
            options: up to a few hundred texts. A token need not end where an option does (`=",` is one token), so give
                each with what follows it, up to where a token surely ends: a line break, the space before a word.
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
            stop: strings that end the text; the one that did is not kept.
            allow: asked of the text as each next token would leave it, and of the whole text where it would end;
                what it refuses is passed over for the next likeliest. Where it refuses all, the text ends.

        Raises:
            PromptTooLong: the reply has outgrown the context.
            Cancelled: by the cursor's cancel.
        """
        ...

    def mark(self) -> int:
        """Remember this place."""
        ...

    def rewind(self, mark: int) -> None:
        """Forget what was written after a mark."""
        ...


class Model(Protocol):
    """A language model. All methods may be called from any thread; results are in the prompts' order.

    Every call takes `cancel`, and raises Cancelled or DeadlineExceeded by it; raises PromptTooLong before anything is
    evaluated if a prompt does not fit; and returns an empty list for no prompts. Whatever ModelError it raises, its
    `usage` says what was evaluated until then. `on_done` is called in the caller's thread with the index of each prompt
    that is done. `adapters` are the scales of loaded LoRA adapters by name; an unknown one raises AdapterError.

    A cursor, and a call of one prompt, go before calls of many: who decides does not wait for a map. Calls with the
    same `cancel` are one caller's, and callers take turns.
    """

    @property
    def name(self) -> str:
        """The catalog's name of the model."""
        ...

    @property
    def n_ctx(self) -> int:
        """The most tokens of a prompt with its reply."""
        ...

    @property
    def template_sha256(self) -> str:
        """Of the chat template: under another one the same messages are other tokens."""
        ...

    @property
    def thinks(self) -> bool:
        """Whether it can think before it replies, where a prompt lets it."""
        ...

    def count(self, text: str) -> int:
        """How many tokens a plain text has."""
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
        """Free text, greedy at temperature 0.

        Args:
            seed: of the first prompt; the next has the next.
            on_text: called with a prompt's index and the text that was added, as it is written.

        Raises:
            ValueError: `max_tokens` below 1, an empty stop string, or a temperature that is below 0 or no number.
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
        """Text under a GBNF grammar, greedy.

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
        """How likely each option is as the start of the reply; nothing is generated.

        Args:
            bias: added to the options' log probabilities, in nats: what was fitted on labelled items.
            neutral: the same prompts with nothing in the item's place (`prompt.NEUTRAL`): what the model says of
                them is taken off what it says of the items, see `rlm_local.models.calibration`. What they cost is in
                the first result's usage.

        Raises:
            ValueError: no option, an empty one, the same one twice, or a bias that is not one number for each.
        """
        ...

    def cursor(
        self, prompt: Prompt, *, adapters: Mapping[str, float] | None = None, cancel: Cancel | None = None
    ) -> AbstractContextManager[Cursor]:
        """A reply to write slot by slot."""
        ...

    def close(self) -> None:
        """Give back memory and threads; calls that are waiting raise EngineError."""
        ...
