"""Measurement: one line of the table, with its target."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """What was measured, some times over.

    Attributes:
        name: what it is, and what it is beside.
        unit: "x" for a ratio, "%", "ms", "us", "s", "MB", "decodes".
        target: what it should be at least, or at most; None for what is only there to compare with.
        at_most: which of the two.
        values: on the wall, one a repetition.
        by_processor: the same by processor time, which others on the machine disturb less; empty where it has no sense.
    """

    name: str
    unit: str
    target: float | None
    at_most: bool
    values: tuple[float, ...]
    by_processor: tuple[float, ...] = ()

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether the median meets the target, if there is one."""
        if self.target is None:
            return True
        return self.middle <= self.target if self.at_most else self.middle >= self.target
