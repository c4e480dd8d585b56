"""What a run tells while it works: for a terminal's progress, or for a page that draws the tree."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["setup", "notice", "understood", "corpus", "node", "decision", "cell", "output", "call", "end", "answer"]


@dataclass(frozen=True)
class Event:
    """Something happened.

    kind        text                                      data
    setup       what is being fetched, built or loaded
    notice      what a person should know of it, one line
    understood  a follow-up, as a question of its own     said: as it was written
    corpus      what was read, one line
    node        a node's question                         part (of the documents, as a label), context_tokens, documents
    decision    the action and its reason                 the decision: action, logprobs, biased, propensity, costs, ...
    cell        the Python about to run                   plan, where there is one
    output      what the cell printed, or its traceback   seconds
    call        a leaf call or a batch of them            kind, calls, done
    end         what a node comes to                      found, ended, error, tokens, calls, seconds
    answer      the answer's text                         all of `--json`

    `node` is the log's id of the node that it is about, `parent` that of the node above, None for the root; 0 before
    there is any. `fraction` is the share that is done, of a set-up or a batch of calls; None where that is unknown.
    Events of nodes that work at the same time come from several threads, one at a time.
    """

    kind: Kind
    text: str
    fraction: float | None = None
    node: int = 0
    parent: int | None = None
    depth: int = 0
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The listener of those who want none."""


@dataclass(frozen=True)
class Voice:
    """Tells a listener what happens in one node. `part` says what of the documents it was given; empty at the root."""

    listener: Listener
    node: int
    parent: int | None
    depth: int
    part: str = ""

    def __call__(self, kind: Kind, text: str, data: Mapping[str, Any], fraction: float | None = None) -> None:
        self.listener(Event(kind, text, fraction, self.node, self.parent, self.depth, data))
