"""What a run that did not come to its end had found: its children that did are not run again."""

from dataclasses import dataclass, replace

from rlm_local.engine.answer import Ended, Usage
from rlm_local.engine.child import key_of
from rlm_local.engine.events import Voice
from rlm_local.engine.result import Result
from rlm_local.log import RunLog, RunRecord


def kept_of(record: RunRecord) -> dict[str, Result]:
    """The results of a run's children that came to their end, by what they were asked."""
    return {
        key_of(node.question, node.start.view): Result.of(node.result)
        for node in record.nodes
        if node.start.view and node.result and node.result["ended"] == Ended.ANSWERED
    }


def kept_in(record: RunRecord) -> dict[str, Result]:
    """Of those, the ones that a run had itself taken over from another."""
    return kept_of(replace(record, nodes=tuple(node for node in record.nodes if (node.start.view or {}).get("kept"))))


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
