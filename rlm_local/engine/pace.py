"""How much can still be asked in the time that is left, from what asking took so far."""

from dataclasses import dataclass

from rlm_local.models import Usage

_SPARE = 0.8
"""Of the time that is left; the rest is for what is done with the answers."""

_ROUND_SECONDS = 10.0


@dataclass
class Pace:
    """Tokens a second of a node's batches. It goes by what the log has of them, so that a replay decides the same."""

    tokens: int = 0
    seconds: float = 0.0
    _left: float = 0.0

    def begin(self, seconds_left: float) -> None:
        """A cell begins, with so many seconds left."""
        self._left = seconds_left

    def add(self, usage: Usage, seconds: float) -> None:
        """A batch evaluated so much in so many seconds."""
        self.tokens += usage.prompt_tokens + usage.completion_tokens
        self.seconds += seconds
        self._left -= seconds

    @property
    def room(self) -> int | None:
        """Tokens that can be evaluated in the time that is left; None as long as nobody knows."""
        return self._of(_SPARE * max(0.0, self._left))

    @property
    def round(self) -> int | None:
        """Tokens after which to look at the clock again; None as long as nobody knows."""
        return self._of(_ROUND_SECONDS)

    def _of(self, seconds: float) -> int | None:
        return int(seconds * self.tokens / self.seconds) if self.tokens and self.seconds else None
