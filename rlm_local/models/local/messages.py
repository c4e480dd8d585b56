"""What the two processes of a local model say to each other.

Each call of the model, and each cursor, is a talk with a number, begun by this process and held by a thread over there.
Talk 0 opens the model. Both ends are of one program, started by one person, so that messages are pickled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OPENING = 0
"""The number of the talk in which the model is opened."""


@dataclass(frozen=True)
class Step:
    """A method or property of the model, or of a talk's cursor.

    Attributes:
        arguments: by keyword.
        given: further keywords, for which the other side puts its own: `cancel`, and functions that ask or tell here.
    """

    name: str
    arguments: Mapping[str, Any]
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Begin:
    """A talk begins, with a step of the model.

    Attributes:
        caller: equal for the talks of one caller, of those that are going on; None for a caller of its own.
        deadline: on the clock of `time.monotonic()`, which all processes of a machine share.
    """

    number: int
    step: Step
    caller: int | None
    deadline: float | None


@dataclass(frozen=True)
class Say:
    """Into a talk: the cursor's next step, or what a function that was called returned."""

    number: int
    what: Any


@dataclass(frozen=True)
class Stop:
    """What a talk is doing is cancelled."""

    number: int


@dataclass(frozen=True)
class Leave:
    """Nobody waits for a talk any more."""

    number: int


@dataclass(frozen=True)
class Called:
    """Out of a talk: a function of the caller's is called; `answered`: what it returns is waited for."""

    number: int
    name: str
    arguments: tuple[Any, ...]
    answered: bool


@dataclass(frozen=True)
class Returned:
    """What a step came to.

    Attributes:
        decoded: whether the model has been of use by then: it has finished a decode.
    """

    number: int
    value: Any
    decoded: bool


@dataclass(frozen=True)
class Raised:
    """How a step failed."""

    number: int
    error: Exception
