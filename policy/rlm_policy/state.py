"""What a policy may know when it decides."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class State:
    """A node's situation before a decision; every feature is in the log.

    Sizes are in tokens of the model that decides, times in seconds.
    """

    question: str
    context_tokens: int
    window_tokens: int
    documents: int
    items: int
    """Items of the largest item set."""

    fields: int
    """Fields over all item sets: none means prose."""

    depth: int
    depth_left: int
    tokens_left: int
    calls_left: int
    seconds_left: float
    attempt: int = 0
    """How many turns of this node came to nothing."""

    observation: str = ""
    """What the last cell showed; empty at the first turn."""

    @property
    def fill(self) -> float:
        """Context over window: below 1 the whole view fits in one call."""
        return self.context_tokens / self.window_tokens

    def features(self) -> dict[str, float | int | str]:
        """Everything as plain data, for the log and for training."""
        return {**asdict(self), "fill": round(self.fill, 4)}
