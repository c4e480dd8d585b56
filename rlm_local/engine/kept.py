"""What a run that did not come to its end had done: cells that ran are not written again, nor children run again."""

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
    """The results of a run's children that came to their end, by `Ask.key`: their question and the sha256 of their
    text."""
    return {
        (node.question, node.start.view["sha256"]): Result.of(node.result)
        for node in record.nodes
        if node.start.view and node.result and node.result["ended"] == Ended.ANSWERED
    }


def kept_in(record: RunRecord) -> dict[tuple[str, str], Result]:
    """Of those, the ones that a run had itself taken over from another."""
    return kept_of(replace(record, nodes=tuple(node for node in record.nodes if (node.start.view or {}).get("kept"))))


def steps_of(record: RunRecord) -> tuple[Step, ...]:
    """The root's steps whose cells ran to their ends, up to the first that was stopped."""
    turns = record.nodes[0].turns if record.nodes else ()
    whole = takewhile(lambda turn: turn.end and not turn.end.stopped, turns)
    return tuple(Step(Decision.of(t.start.decision), t.start.cell, text=t.start.text, plan=t.start.plan) for t in whole)


@dataclass(frozen=True)
class KeptSteps:
    """An author that takes the steps of a run before, and goes on from what their cells show now.

    They run again, in a session of their own: that makes the variables. For an author that looks at nothing but the
    turns.
    """

    steps: tuple[Step, ...]
    author: Author

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:
        """See `Author.step`."""
        return self.steps[len(turns)] if len(turns) < len(self.steps) else self.author.step(state, turns, cancel)


@dataclass(frozen=True)
class KeptNode:
    """Stands for a node whose result is known: it costs nothing, and is in the log like any other."""

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
