"""Divergence: the first place where a replay differs from what was logged."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import cast

_OF_THE_CLOCK = frozenset(("seconds", "seconds_left"))
"""Fields that are never the same in two runs."""


@dataclass(frozen=True)
class Divergence:
    """The first difference: its place, the logged value, and the value now."""

    place: str
    logged: str
    now: str


class Diverged(Exception):  # noqa: N818  not a failure: what a replay is for
    """Something came out different from what was logged."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(divergence.place)
        self.divergence = divergence


def same(logged: object, now: object, place: str) -> None:
    """Check that two values are the same, apart from seconds.

    Raises:
        Diverged: they are not; with the place.
    """
    if found := difference(logged, now, place):
        raise Diverged(found)


def difference(logged: object, now: object, place: str) -> Divergence | None:
    """The first difference between two dataclasses or plain values, apart from seconds; None if there is none."""
    before, after = dict(_leaves(logged, place)), dict(_leaves(now, place))
    for at in {**before, **after}:
        if at not in before or at not in after or before[at] != after[at]:
            return Divergence(
                at, repr(before[at]) if at in before else "none", repr(after[at]) if at in after else "none"
            )
    return None


def _leaves(value: object, place: str) -> Iterator[tuple[str, object]]:
    """The single values inside a value, each with its place."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            if key not in _OF_THE_CLOCK:
                yield from _leaves(item, f"{place}, {key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(cast("Sequence[object]", value), 1):
            yield from _leaves(item, f"{place} {number}")
    else:
        yield place, value
