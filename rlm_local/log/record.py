"""What the log takes, and what it gives back.

Mappings hold plain JSON data: strings, finite numbers, booleans, None, lists and objects of these. A number that is not
finite is kept as None, since JSON has none. What went in comes back equal; sequences come back as tuples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from rlm_local.engine.answer import Answer

CallKind = Literal["query", "judge", "choose", "extract"]
Data = Mapping[str, Any]


@dataclass(frozen=True)
class RunStart:
    """What a run is given. Sizes are in tokens of `model`; hashes are hexadecimal."""

    question: str
    task_id: str | None
    """The id of the task in a batch, a benchmark or a collection."""

    sources: tuple[str, ...]
    context_sha256: str
    context_tokens: int
    documents: int
    model: str
    model_sha256: str
    template_sha256: str
    """Of the chat template: the same messages under another template are other tokens."""

    prompt_version: str
    author: str
    policy: str
    limits: Data
    seed: int
    price: float | None = None
    """Of a thousand tokens, in nats; None for the policy's own."""

    resumes: str | None = None
    """The id of the run that this one goes on with."""

    answer_schema: Data | None = None
    """A JSON Schema that the answer has to fit."""

    follows: str | None = None
    """The id of the run that was asked just before it in a conversation; it may be gone."""

    understood: Data | None = None
    """How a follow-up became `question`: what was `said`, and the `call` of the model; None where nothing was asked
    before."""

    length: str | None = None
    """Of the summary that was asked for, see `rlm_local.engine.notes.LENGTHS`; None where none was named."""

    @property
    def said(self) -> str:
        """The question as it was written."""
        return str(self.understood["said"]) if self.understood else self.question


@dataclass(frozen=True)
class TurnStart:
    """One turn before its cell runs: what the policy saw and decided, what the model was sent and wrote."""

    state: Data
    decision: Data
    messages: Sequence[Data]
    """Exactly as sent."""

    prefill: str
    """The start of the reply that the model was given."""

    prompt_ids: Sequence[int]
    completion_ids: Sequence[int]
    text: str
    """The raw output, without the prefill."""

    plan: Data | None
    """Where was looked, what was tried and how sure it is, as plain data; None where the author does not say."""

    cell: str
    spent: Data | None = None
    """What deciding and writing the cell cost: prompt_tokens, completion_tokens, calls, seconds."""

    thought: str = ""
    """What the model thought before it wrote."""


@dataclass(frozen=True)
class NodeStart:
    """What a node is given; the root has no parent, no turn that started it, and views and may spend everything."""

    question: str
    parent: int | None = None
    depth: int = 0
    turn: int | None = None
    view: Data | None = None
    """`spans` of the parent's context, or the `text` that its cell made; its `sha256`, and a `label` for people."""

    share: Data | None = None
    """Tokens, calls and nodes."""


@dataclass(frozen=True)
class TurnEnd:
    """What came of a turn's cell: `error` is the guest's traceback, `stopped` the limit that ended it."""

    output: str
    error: str | None
    stopped: str | None
    seconds: float


@dataclass(frozen=True)
class CallRecord:
    """One leaf call. Prompt tokens include those that a kept prefix saved, `cached_tokens` of them."""

    messages: Sequence[Data]
    prefill: str
    options: tuple[str, ...]
    result: Data
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class CallBatch:
    """Leaf calls that one line of a cell made together."""

    kind: CallKind
    calls: tuple[CallRecord, ...]
    seconds: float


@dataclass(frozen=True)
class TurnRecord:
    """A turn as it is in the log; `end` is None where the process died in it."""

    id: int
    start: TurnStart
    batches: tuple[CallBatch, ...]
    end: TurnEnd | None


@dataclass(frozen=True)
class NodeRecord:
    """A node of the recursion tree; `result` is what it came to, None where the process died in it."""

    id: int
    start: NodeStart
    turns: tuple[TurnRecord, ...]
    result: Data | None

    @property
    def parent(self) -> int | None:
        return self.start.parent

    @property
    def depth(self) -> int:
        return self.start.depth

    @property
    def question(self) -> str:
        return self.start.question


@dataclass(frozen=True)
class RunRecord:
    """A whole run; `answer` is None while it works, and for ever where its process died."""

    run_id: str
    started: datetime
    start: RunStart
    nodes: tuple[NodeRecord, ...]
    answer: "Answer | None"


SOLVED = 0.99
"""A score from which on a task counts as solved."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to whose right answer was known: one of the alternatives that were tried from the same state."""

    run_id: str
    split: Literal["train", "held-out"]
    group: str
    """Tasks of one group are in one split: of documents or wordings that a policy has seen it proves nothing."""

    branch: str
    """Names the state: runs that have the same differ in what was forced."""

    forced: str
    """The action and, for a plan, its op, as in "SEARCH count"."""

    expected: str
    score: float

    @property
    def solved(self) -> bool:
        return self.score >= SOLVED


@dataclass(frozen=True)
class RunSummary:
    """A run as a line of a list; `ended` is `unfinished` where there is no answer. `said` and `follows` are as in
    `RunStart`."""

    run_id: str
    started: datetime
    question: str
    said: str
    follows: str | None
    task_id: str | None
    model: str
    policy: str
    ended: str
    answer: "Answer | None"
