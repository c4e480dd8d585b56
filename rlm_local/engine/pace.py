"""Pace: how much can still be asked in the time that is left, judging by how long it took so far."""

from dataclasses import dataclass

_SPARE = 0.8
"""The share of the time left that a cell may spend on asking; the rest is for using the answers."""

_ROUND_SECONDS = 10.0
_GROWTH = 4
"""A round asks at most this many times as much as all rounds before: a few calls say little about many."""


@dataclass
class Pace:
    """How many tokens of a node's batches are evaluated in a second, without what all prompts begin with.

    Tokens are those of the price, and seconds those of the log, so that a replay decides the same.
    """

    tokens: int = 0
    seconds: float = 0.0
    _left: float = 0.0

    def begin(self, seconds_left: float) -> None:
        """A cell begins, with this many seconds left."""
        self._left = _SPARE * seconds_left

    def add(self, tokens: int, seconds: float) -> None:
        """A batch of this price took this many seconds. 0 tokens mean that nothing was evaluated."""
        self._left -= seconds
        if tokens:
            self.tokens += tokens
            self.seconds += seconds

    @property
    def room(self) -> int | None:
        """How many tokens can be evaluated in the time that is left; None before the first batch."""
        return self._of(max(0.0, self._left))

    @property
    def round(self) -> int | None:
        """After how many tokens to look at the clock again; None before the first batch."""
        tokens = self._of(_ROUND_SECONDS)
        return None if tokens is None else min(tokens, _GROWTH * self.tokens)

    def _of(self, seconds: float) -> int | None:
        return int(seconds * self.tokens / self.seconds) if self.seconds else None
