"""A run as a tree without what its nodes saw and wrote: read in three queries, however many nodes there are."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rlm_local.log.database import Database
from rlm_local.log.record import Data
from rlm_local.sqlite import Database as Connection
from rlm_local.sqlite import Row

_TURNS = """
SELECT t.node, t.decision, t.spent, e.* FROM turn t JOIN node n ON n.id = t.node LEFT JOIN turn_end e ON e.turn = t.id
WHERE n.run = ? ORDER BY t.id
"""
_CALLS = """
SELECT t.node, b.kind, count(*) AS calls, sum(c.prompt_tokens - c.cached_tokens + c.completion_tokens) AS tokens
FROM call c JOIN batch b ON b.id = c.batch JOIN turn t ON t.id = b.turn JOIN node n ON n.id = t.node
WHERE n.run = ? GROUP BY t.node, b.kind
"""


@dataclass(frozen=True)
class NodeOutline:
    """A node as a line of a tree. `tokens` are those that it and its leaf calls evaluated and generated.

    Attributes:
        part: what of the documents it was given, for people; empty at the root.
        decisions: of its turns, in order.
        calls: leaf calls, by kind.
        failed: whether its last cell failed or was stopped.
        open: whether a cell of it runs, or the process died in one.
    """

    id: int
    parent: int | None
    depth: int
    question: str
    part: str
    decisions: tuple[Data, ...]
    calls: Mapping[str, int]
    tokens: int
    seconds: float
    failed: bool
    open: bool


@dataclass(frozen=True)
class RunOutline:
    """A run as a tree of outlines; the root comes first, and a parent before its children."""

    run_id: str
    started: datetime
    nodes: tuple[NodeOutline, ...]


def outline(database: Database, connection: Connection, run: Row) -> RunOutline:
    """Reads the outline in one transaction.

    Raises:
        StoreError: a value is not what was written.
    """
    turns: defaultdict[int, list[Row]] = defaultdict(list)
    for turn in connection.execute(_TURNS, (run["id"],)):
        turns[turn["node"]].append(turn)
    calls: defaultdict[int, list[Row]] = defaultdict(list)
    for call in connection.execute(_CALLS, (run["id"],)):
        calls[call["node"]].append(call)
    nodes = connection.execute("SELECT * FROM node WHERE run = ? ORDER BY id", (run["id"],)).fetchall()
    return RunOutline(
        run["run_id"],
        datetime.fromtimestamp(run["started"], UTC),
        tuple(_node(database, node, turns[node["id"]], calls[node["id"]]) for node in nodes),
    )


def _node(database: Database, node: Row, turns: list[Row], calls: list[Row]) -> NodeOutline:
    last = turns[-1] if turns else None
    return NodeOutline(
        id=node["id"],
        parent=node["parent"],
        depth=node["depth"],
        question=database.get_text(node["question"]),
        part=str(_data(database, node["view"]).get("label", "")),
        decisions=tuple(database.get_json(turn["decision"]) for turn in turns),
        calls={call["kind"]: call["calls"] for call in calls},
        tokens=sum(call["tokens"] for call in calls) + sum(_spent(database, turn) for turn in turns),
        seconds=sum(turn["seconds"] or 0.0 for turn in turns),
        failed=bool(last and (last["error"] or last["stopped"])),
        open=bool(last and last["turn"] is None),
    )


def _spent(database: Database, turn: Row) -> int:
    """What deciding and writing a cell cost; nothing is known of older turns."""
    spent = _data(database, turn["spent"])
    return spent.get("prompt_tokens", 0) + spent.get("completion_tokens", 0)


def _data(database: Database, digest: bytes | None) -> Data:
    """An object that may not be there."""
    return (database.get_json(digest) or {}) if digest else {}
