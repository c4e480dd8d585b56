"""What a question comes to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class Ended(StrEnum):
    """How a run ended. Anything but `answered` carries the best answer so far."""

    ANSWERED = "answered"
    BUDGET = "budget"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    ERROR = "error"


@dataclass(frozen=True)
class Evidence:
    """A place in a document that the answer rests on; offsets are characters of the document's decoded text.

    `place` is the page, sheet or slide and the heading that it stands under, where there are any.
    """

    document: str
    start: int
    end: int
    text: str
    place: str = ""


@dataclass(frozen=True)
class Usage:
    """What a run cost. Tokens are those evaluated; what a kept prefix saved is not counted again."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    leaf_calls: int = 0
    nodes: int = 1
    depth: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Basis:
    """What an answer rests on besides its places.

    Attributes:
        items: how many items were counted over, or selected from.
        judged: how many a model had to judge, sort or read for it.
        sure: how sure the model was of those, on average: the probability of what it said; 1 where none was asked.
        low, high: what the value lies between, 19 times of 20, where it is estimated from a sample of the items.
    """

    items: int = 0
    judged: int = 0
    sure: float = 1.0
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Basis":
        """What was logged, by this version or another: what that had besides says nothing here."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


@dataclass(frozen=True)
class Answer:
    """The answer, where it comes from, what it cost and how it ended.

    `found` is False when the documents do not hold what was asked, or the run ended before it was found; `answer` then
    says so in words.
    `error` says what broke when `ended` is `error`, and is empty otherwise. `value` is the answer as data: a number, a
    list of texts, a text. `unseen` names what was not looked at, where a limit was reached or something broke.
    `confidence` is how often an answer that came about like this one is right, where that was measured
    (`rlm_policy.priors`); None where nobody knows.
    """

    run_id: str
    question: str
    answer: str
    found: bool
    ended: Ended
    evidence: tuple[Evidence, ...]
    usage: Usage
    model: str
    policy: str
    error: str = ""
    value: Any = None
    basis: Basis | None = None
    unseen: tuple[str, ...] = ()
    confidence: float | None = None

    def data(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Answer":
        """The answer that came to such an object, by this version or an earlier one."""
        parts: dict[str, Any] = {
            "ended": Ended(data["ended"]),
            "evidence": tuple(Evidence(**place) for place in data["evidence"]),
            "usage": Usage(**data["usage"]),
            "unseen": tuple(data.get("unseen", ())),
            "basis": Basis.of(data["basis"]) if data.get("basis") else None,
        }
        return cls(**{**data, **parts})
