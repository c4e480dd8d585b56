"""Events: what a run reports while it works, for progress on a terminal or for a page that draws the tree."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "setup", "notice", "understood", "documents", "node", "decision", "cell", "output", "call", "end", "answer"
]


@dataclass(frozen=True)
class Event:
    """Something that happened in a run.

    kind        text                                      data
    setup       what is being fetched, built or loaded
    notice      one line that a person should see
    understood  a follow-up, rewritten to stand alone     said: as it was written
    documents   what was read of the documents, one line
    node        a node's question                         part (a label), context_tokens, documents
    decision    the action and its reason                 the decision: action, logprobs, biased, propensity, costs, ...
    cell        the Python that is about to run           plan: the author's, or None
    output      what the cell printed, or its traceback   seconds
    call        what a batch of leaf calls does           kind, calls, done
    end         a node's answer                           the node's result: found, ended, error, usage, ...
    answer      the answer's text                         what `--json` prints

    Attributes:
        fraction: the share that is done of a set-up or a batch of calls, 0 to 1; None if it is not known.
        node: the log's id of the node that the event is about; 0 before there is one.
        parent: the id of the node above; None for the root.
        depth: how far below the root the node is.
    """

    kind: Kind
    text: str
    fraction: float | None = None
    node: int = 0
    parent: int | None = None
    depth: int = 0
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


Listener = Callable[[Event], None]
"""Nodes that work at the same time call it from several threads."""


def ignore(_event: Event) -> None:
    """A listener that does nothing."""


@dataclass(frozen=True)
class Voice:
    """Sends the events of one node to a listener.

    Attributes:
        part: a label of the documents that the node was given; empty for the root.
    """

    listener: Listener
    node: int
    parent: int | None
    depth: int
    part: str = ""

    def __call__(self, kind: Kind, text: str, data: Mapping[str, Any], fraction: float | None = None) -> None:
        self.listener(Event(kind, text, fraction, self.node, self.parent, self.depth, data))
