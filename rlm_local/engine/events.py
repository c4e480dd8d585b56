"""What a run tells while it works: for a terminal's progress, or for a page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["setup", "corpus", "decision", "cell", "output", "call", "answer"]


@dataclass(frozen=True)
class Event:
    """Something happened.

    kind      text                                      fraction
    setup     what is being fetched, built or loaded    0..1, or None where unknown
    corpus    what was read, one line
    decision  the action and its reason
    cell      the Python about to run
    output    what the cell printed, or its traceback
    call      a leaf call or a batch of them             share of the batch that is done
    answer    the answer's text
    """

    kind: Kind
    text: str
    fraction: float | None = None
    depth: int = 0


Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The listener of those who want none."""
