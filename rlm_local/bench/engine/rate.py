"""Rate: one point of the picture."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """Leaf calls a second with so many in one call, some times over."""

    together: int
    values: tuple[float, ...]
