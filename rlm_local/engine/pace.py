"""How much can still be asked in the time that is left, from what asking took so far."""

from dataclasses import dataclass

_SPARE = 0.8
"""Of the time that is left when a cell begins; the rest is for what is done with the answers."""

_ROUND_SECONDS = 10.0
_GROWTH = 4
"""Times as much as all before is asked at once, at most: a few calls say little of many."""


@dataclass
class Pace:
    """How many tokens of a node's batches, by their price, take a second; what all prompts begin with is not counted.

    It goes by what the log has of them, so that a replay decides the same.
    """

    tokens: int = 0
    seconds: float = 0.0
    _left: float = 0.0

    def begin(self, seconds_left: float) -> None:
        """A cell begins, with so many seconds left."""
        self._left = _SPARE * seconds_left

    def add(self, tokens: int, seconds: float) -> None:
        """A batch of that price took so many seconds; 0 tokens where nothing was evaluated, which says nothing."""
        self._left -= seconds
        if tokens:
            self.tokens += tokens
            self.seconds += seconds

    @property
    def room(self) -> int | None:
        """Tokens that can be asked for in the time that is left; None as long as nobody knows."""
        return self._of(max(0.0, self._left))

    @property
    def round(self) -> int | None:
        """Tokens after which to look at the clock again; None as long as nobody knows."""
        tokens = self._of(_ROUND_SECONDS)
        return None if tokens is None else min(tokens, _GROWTH * self.tokens)

    def _of(self, seconds: float) -> int | None:
        return int(seconds * self.tokens / self.seconds) if self.seconds else None
