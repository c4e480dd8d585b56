"""The state: what a policy may know when it decides."""

from dataclasses import asdict, dataclass

_PROMPT_TOKENS = 1000
"""Tokens of the window that the prompt and the reply of a reading need besides the view."""


@dataclass(frozen=True)
class State:
    """A node's situation before a decision. Every feature is in the log.

    Sizes are in tokens of the model that decides, times in seconds.
    """

    question: str
    context_tokens: int
    window_tokens: int
    documents: int
    items: int
    """Rows that a map would ask about: those of the largest table."""

    items_tokens: int
    """Tokens of these rows together."""

    fields: int
    """Columns of all tables together: 0 means that there is only prose."""

    depth: int
    depth_left: int
    tokens_left: int
    calls_left: int
    seconds_left: float
    attempt: int = 0
    """How many turns this node has had, all without an answer."""

    observation: str = ""
    """What the last cell printed; empty before the first."""

    @property
    def fill(self) -> float:
        """The context's size as a share of the window."""
        return self.context_tokens / self.window_tokens

    @property
    def fits(self) -> bool:
        """Whether the whole view can be read in one call."""
        return self.context_tokens + _PROMPT_TOKENS <= self.window_tokens

    @property
    def item_tokens(self) -> float:
        """Tokens of an item, on average; 0 without items."""
        return self.items_tokens / self.items if self.items else 0.0

    @property
    def load(self) -> float:
        """The context's size as a share of the tokens left; above 1, the view cannot be read whole."""
        return self.context_tokens / max(1, self.tokens_left)

    def features(self) -> dict[str, float | int | str]:
        """Everything as plain data, for the log and for training."""
        derived = {"fill": self.fill, "item_tokens": self.item_tokens, "load": self.load}
        return {**asdict(self), **{name: round(value, 4) for name, value in derived.items()}}
