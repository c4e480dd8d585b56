"""What is kept of a run that was stopped: its cells are not written again, and its children are not run again."""

from dataclasses import dataclass, replace
from itertools import takewhile

from rlm_local.engine.answer import Ended, Usage
from rlm_local.engine.author import Author, Step, Turn
from rlm_local.engine.events import Voice
from rlm_local.engine.result import Result
from rlm_local.log import RunLog, RunRecord
from rlm_local.models import Cancel
from rlm_policy import Decision, State


def kept_of(record: RunRecord) -> dict[tuple[str, str], Result]:
    """The results of a run's children that were answered, by `Ask.key`: their question and the sha256 of their text."""
    return {
        (node.question, node.start.view["sha256"]): Result.of(node.result)
        for node in record.nodes
        if node.start.view and node.result and node.result["ended"] == Ended.ANSWERED
    }


def kept_in(record: RunRecord) -> dict[tuple[str, str], Result]:
    """Those of them that this run had itself taken over from another one."""
    return kept_of(replace(record, nodes=tuple(node for node in record.nodes if (node.start.view or {}).get("kept"))))


def steps_of(record: RunRecord) -> tuple[Step, ...]:
    """The root's steps up to the first whose cell did not run to its end."""
    turns = record.nodes[0].turns if record.nodes else ()
    whole = takewhile(lambda turn: turn.end and not turn.end.stopped, turns)
    return tuple(Step(Decision.of(t.start.decision), t.start.cell, text=t.start.text, plan=t.start.plan) for t in whole)


@dataclass(frozen=True)
class KeptSteps:
    """An author that first repeats the steps of an earlier run, and then lets another author continue.

    The cells run again, in a new session, which restores their variables. This is for an author that looks only at the
    turns.
    """

    steps: tuple[Step, ...]
    author: Author

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:
        """See `Author.step`."""
        return self.steps[len(turns)] if len(turns) < len(self.steps) else self.author.step(state, turns, cancel)


@dataclass(frozen=True)
class KeptNode:
    """Stands in for a node whose result is known already. It costs nothing, and is in the log like any other."""

    question: str
    result: Result
    log: RunLog
    say: Voice

    def run(self) -> Result:
        """The result, without its cost, which another run has paid."""
        result = replace(self.result, usage=Usage(depth=self.result.usage.depth))
        self.say("node", self.question, {"part": self.say.part})
        self.log.end_node(self.say.node, result.ended, result.data())
        self.say("end", result.answer, {**result.data(), "ended": str(result.ended)})
        return result
