"""Trials: each candidate is run in a session of its own, and only its result is kept.

A trial asks no model: a program that judges rows is priced, not tried.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rlm_local.engine.authors.outcome import Outcome
from rlm_sandbox import CellResult, HostCallRefused, Session

OpenSession = Callable[[Mapping[str, Callable[..., Any]]], Session]
"""Opens a session over the node's view with these host calls."""

_ERROR = 400


@dataclass(frozen=True)
class Tried:
    """The result of a cell, or why it failed."""

    outcome: Outcome | None
    error: str = ""


class Trials:
    """Runs cells one after another, each in a session of its own with nothing left of the one before."""

    def __init__(self, open_session: OpenSession) -> None:
        self._open = open_session

    def run(self, cell: str) -> Tried:
        """The result of a cell, run in a session that is thrown away."""
        ends: list[Any] = []

        def final(answer: Any, found: Any, evidence: Any, value: Any = None) -> None:  # noqa: ARG001
            ends.append(answer if value is None else value)

        def refuse(**_arguments: Any) -> None:
            raise HostCallRefused("a program that asks the model is not tried")

        session = self._open({"final": final, "ask": refuse, "read": refuse, "llm_query": refuse, "rlm_query": refuse})
        try:
            result = session.run(cell)
        finally:
            session.close()
        if ends:
            return Tried(Outcome.of(ends[0]))  # as in the broker, the first one counts
        return Tried(None, _why(result))


def _why(result: CellResult) -> str:
    """Why a cell failed: the last line of its traceback, which is the part that helps."""
    if result.error:
        return result.error.strip().rpartition("\n")[2][:_ERROR]
    return f"it was stopped: {result.stopped}" if result.stopped else "it came to no FINAL(...)"
