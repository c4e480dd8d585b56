"""The answer to a question: its text and value, the evidence for it, what it cost, and how the run ended."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class Ended(StrEnum):
    """How a run ended. Unless it is `answered`, the answer is the best so far."""

    ANSWERED = "answered"
    BUDGET = "budget"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    ERROR = "error"


@dataclass(frozen=True)
class Evidence:
    """A place in a document that the answer rests on.

    Attributes:
        document: the document's name.
        start, end: offsets in characters of the document's decoded text.
        text: the text there, cut if it is long.
        place: page, sheet or slide, and the heading above it; empty if there are none.
    """

    document: str
    start: int
    end: int
    text: str
    place: str = ""


@dataclass(frozen=True)
class Usage:
    """What a run cost.

    Attributes:
        prompt_tokens: prompt tokens that were evaluated; those that came from the KV cache are not counted.
        completion_tokens: tokens that were generated.
        leaf_calls: calls of the model.
        nodes: nodes of the tree, the root included.
        depth: how many levels below the root there were nodes.
        seconds: wall time.
    """

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
        items: how many rows a sample stands for, if the value is an estimate; else 0.
        judged: how many items a model judged, classified or read.
        sure: the mean probability that the model gave to what it said of them; 1 if there were none.
        low, high: the 95 % interval of the value, if it is an estimate.
    """

    items: int = 0
    judged: int = 0
    sure: float = 1.0
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Basis":
        """A basis from the log. Fields that only another version has are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


@dataclass(frozen=True)
class Answer:
    """The answer, where it comes from, what it cost and how the run ended.

    Attributes:
        run_id: the run's id in the log.
        question: as it was asked; a follow-up as it was understood.
        answer: the answer in words.
        found: False if the documents do not say, or the run ended too early; `answer` then says so.
        ended: how the run ended.
        evidence: the places that the answer rests on.
        model, policy: their names.
        error: what broke, if `ended` is `error`; else empty.
        value: the answer as data: a number, a text, or a list.
        basis: over how many items it was made, and how sure the model was of them.
        unseen: what was not looked at because a limit was reached or something broke.
        confidence: the share of answers that came about like this one and are right, where that was measured
            (`rlm_policy.priors`); None where it is not known.
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
        """The answer that such an object is of; an earlier version may have made it."""
        parts: dict[str, Any] = {
            "ended": Ended(data["ended"]),
            "evidence": tuple(Evidence(**place) for place in data["evidence"]),
            "usage": Usage(**data["usage"]),
            "unseen": tuple(data.get("unseen", ())),
            "basis": Basis.of(data["basis"]) if data.get("basis") else None,
        }
        return cls(**{**data, **parts})
