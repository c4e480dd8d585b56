"""What the server says about runs."""

from typing import Any

from pydantic import BaseModel, Field

from rlm_local.engine.answer import Answer
from rlm_local.engine.question import LONGEST_QUESTION
from rlm_local.log import NodeOutline, RunSummary, TurnRecord
from rlm_local.serve.jobs import Job
from rlm_local.serve.live import Live, how_ended
from rlm_local.serve.shapes import FileIds, FolderNames, ModelName

Data = dict[str, Any]

_CALLS_SHOWN = 200
_TEXT_SHOWN = 20_000


class Ask(BaseModel):
    """A question for the queue: its run goes on whether anybody listens or not."""

    question: str = Field(min_length=1, max_length=LONGEST_QUESTION)
    model: ModelName = "rlm-local"
    files: FileIds = Field(default=[], description="Ids of uploaded files.")
    folders: FolderNames = Field(default=[], description="Names of shared folders; all, where nothing is named.")
    follows: str | None = Field(
        default=None,
        max_length=40,
        pattern="^[a-z0-9]+$",
        description="The run that this is a follow-up to; over the same documents, where none are named.",
    )
    exactly: bool = Field(default=False, description="Whether a follow-up is asked as it stands.")
    timeout: float | None = Field(default=None, gt=0, le=86400, description="Most seconds.")
    max_tokens: int | None = Field(default=None, ge=1, le=10**9, description="Most tokens to evaluate and generate.")
    max_calls: int | None = Field(default=None, ge=1, le=10**7, description="Most calls of the model.")


class Purge(BaseModel):
    """Which runs are too old."""

    older_than: float = Field(gt=0, le=10**10, description="Seconds since they were asked.")


class RunItem(BaseModel):
    """A run as a line of a list. `state` is queued, running, how it ended, or interrupted: its server died. `policy` is
    the one that decided; before it has, the one that was asked for, or nothing."""

    run_id: str
    question: str
    model: str
    policy: str
    state: str
    asked: float = Field(description="Seconds since 1970, UTC.")
    answer: str | None = None
    found: bool | None = None
    seconds: float | None = None
    tokens: int | None = None
    calls: int | None = None


class RunList(BaseModel):
    runs: list[RunItem]
    more: bool = Field(description="Whether there are earlier ones: ask again with `before`.")


class NodeItem(BaseModel):
    """A node as a line of the tree."""

    id: int
    parent: int | None
    depth: int
    question: str
    part: str = Field(description="What of the documents it was given; empty at the root.")
    decisions: list[Data]
    calls: dict[str, int]
    tokens: int
    seconds: float
    failed: bool
    open: bool


class RunDetail(RunItem):
    """A run with its tree, and its answer once there is one."""

    nodes: list[NodeItem]
    result: Data | None = Field(default=None, description="The answer with evidence and cost.")
    error: str | None = None
    sources: list[str]
    files: list[str] = Field(description="Ids of the uploaded files that it is over.")
    folders: list[str] = Field(description="Names of the shared folders that it is over.")
    resumes: str | None = Field(description="The run that it goes on with.")
    follows: str | None = Field(description="The run that was asked before it in a conversation.")
    said: str = Field(description="The question as it was written; `question` is as it was understood.")


class Call(BaseModel):
    messages: list[Data]
    options: list[str]
    result: Data
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


class Batch(BaseModel):
    """Leaf calls that one line of a cell made; `calls` are the first of `count`."""

    kind: str
    seconds: float
    count: int
    tokens: int
    calls: list[Call]


class Turn(BaseModel):
    """One turn of a node, all of it but token ids."""

    id: int
    state: Data
    decision: Data
    messages: list[Data]
    text: str
    plan: Data | None
    cell: str
    batches: list[Batch]
    output: str | None
    error: str | None
    stopped: str | None
    seconds: float | None


class NodeDetail(BaseModel):
    id: int
    parent: int | None
    depth: int
    question: str
    part: str = Field(description="What of the documents it was given; empty at the root.")
    turns: list[Turn]


class Passage(BaseModel):
    """A piece of a document around a place."""

    document: str
    text: str
    start: int = Field(description="Characters of the document before `text`.")
    length: int = Field(description="Characters of the whole document.")
    changed: bool = Field(description="Whether the documents are not any more what the run was over.")


class ReplayResult(BaseModel):
    """Whether a run comes out as logged when its cells run again."""

    same: bool
    turns: int
    calls: int
    place: str = ""
    logged: str = ""
    now: str = ""
    left_out: str = ""


def of_live(live: Live) -> RunItem:
    """A run under way, or that ended a short time ago."""
    state = how_ended(live.answer, live.error) if live.state == "ended" else live.state
    return _item(live.job, state, live.answer)


def of_job(job: Job, answer: Answer | None) -> RunItem:
    """A run that was asked of this server and is over."""
    return _item(job, str(answer.ended) if answer else job.ended or "interrupted", answer)


def of_summary(summary: RunSummary) -> RunItem:
    """A run in the log, whoever asked."""
    item = RunItem(
        run_id=summary.run_id,
        question=summary.question,
        model=summary.model,
        policy=summary.policy,
        state=summary.ended,
        asked=summary.started.timestamp(),
    )
    return _with_answer(item, summary.answer)


def _item(job: Job, state: str, answer: Answer | None) -> RunItem:
    item = RunItem(
        run_id=job.run_id,
        question=answer.question if answer else job.question,
        model=job.model,
        policy=answer.policy if answer else str(job.options.get("policy") or ""),
        state=state,
        asked=job.accepted,
    )
    return _with_answer(item, answer)


def _with_answer(item: RunItem, answer: Answer | None) -> RunItem:
    if answer is None:
        return item
    cost = {
        "answer": answer.answer,
        "found": answer.found,
        "seconds": answer.usage.seconds,
        "tokens": answer.usage.prompt_tokens + answer.usage.completion_tokens,
        "calls": answer.usage.leaf_calls,
    }
    return item.model_copy(update=cost)


def of_node(node: NodeOutline) -> NodeItem:
    return NodeItem(
        id=node.id,
        parent=node.parent,
        depth=node.depth,
        question=node.question,
        part=node.part,
        decisions=[dict(decision) for decision in node.decisions],
        calls=dict(node.calls),
        tokens=node.tokens,
        seconds=node.seconds,
        failed=node.failed,
        open=node.open,
    )


def of_turn(turn: TurnRecord) -> Turn:
    """A turn; of long batches and texts the beginning."""
    start, end = turn.start, turn.end
    return Turn(
        id=turn.id,
        state=dict(start.state),
        decision=dict(start.decision),
        messages=[dict(message) for message in start.messages],
        text=start.text,
        plan=dict(start.plan) if start.plan is not None else None,
        cell=start.cell,
        batches=[
            Batch(
                kind=batch.kind,
                seconds=batch.seconds,
                count=len(batch.calls),
                tokens=sum(call.prompt_tokens - call.cached_tokens + call.completion_tokens for call in batch.calls),
                calls=[
                    Call(
                        messages=[dict(message) for message in call.messages],
                        options=list(call.options),
                        result=dict(call.result),
                        prompt_tokens=call.prompt_tokens,
                        cached_tokens=call.cached_tokens,
                        completion_tokens=call.completion_tokens,
                    )
                    for call in batch.calls[:_CALLS_SHOWN]
                ],
            )
            for batch in turn.batches
        ],
        output=end.output[:_TEXT_SHOWN] if end else None,
        error=end.error if end else None,
        stopped=end.stopped if end else None,
        seconds=end.seconds if end else None,
    )
