"""The result of a node, as its parent sees it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rlm_local.engine.answer import Basis, Ended, Usage


@dataclass(frozen=True)
class Result:
    """A typed answer with its places and its cost; the fields are those of `Answer`.

    Attributes:
        places: spans, in characters, of the context of the node's view.
        usage: `seconds` are the node's own; all other figures include the nodes below it.
    """

    answer: str
    value: Any
    found: bool
    ended: Ended
    places: tuple[tuple[int, int], ...]
    basis: Basis
    unseen: tuple[str, ...]
    error: str
    usage: Usage
    confidence: float | None = None

    def data(self) -> dict[str, Any]:
        """Plain data, for the log."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Result":
        """A result from the log."""
        return cls(
            answer=data["answer"],
            value=data["value"],
            found=data["found"],
            ended=Ended(data["ended"]),
            places=tuple((start, end) for start, end in data["places"]),
            basis=Basis.of(data["basis"]),
            unseen=tuple(data["unseen"]),
            error=data["error"],
            usage=Usage(**data["usage"]),
            confidence=data.get("confidence"),
        )
