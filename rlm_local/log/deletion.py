"""Runs taken out of the log, with every value that no other run has."""

import hashlib
from collections.abc import Iterable, Sequence

from rlm_local.sqlite import Database

_DIGEST = hashlib.sha256().digest_size

_NODES = "SELECT id FROM node WHERE run = ?"
_TURNS = f"SELECT id FROM turn WHERE node IN ({_NODES})"  # noqa: S608  (names are ours)
_BATCHES = f"SELECT id FROM batch WHERE turn IN ({_TURNS})"  # noqa: S608

_ROWS = {
    "call": f"batch IN ({_BATCHES})",
    "batch": f"turn IN ({_TURNS})",
    "turn_end": f"turn IN ({_TURNS})",
    "turn": f"node IN ({_NODES})",
    "node_end": f"node IN ({_NODES})",
    "node": "run = ?",
    "answer": "run = ?",
    "outcome": "run = ?",
    "run": "id = ?",
}
"""Which rows of a table are a run's; what refers to others comes before them."""

_VALUES = {
    "call": ("messages", "prefill", "options", "result"),
    "turn_end": ("output", "error"),
    "turn": (
        "state", "decision", "messages", "prefill", "prompt_ids", "completion_ids", "text", "plan", "cell", "spent",
        "thought",
    ),
    "node_end": ("result",),
    "node": ("question", "view", "share"),
    "answer": ("data",),
    "outcome": ("expected",),
    "run": ("question", "task_id", "sources", "limits", "answer_schema", "understood"),
}  # fmt: skip
"""The columns that name values: each holds the digests of one or several, one after another."""


def delete(connection: Database, runs: Sequence[int]) -> int:
    """Takes runs out, by their row ids, in the transaction under way. Returns how many values went with them.

    The triggers that keep everybody else from deleting are away until it is done: in this transaction alone.
    """
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name LIKE '%\\_no\\_DELETE' ESCAPE '\\'")
    kept = triggers.fetchall()
    for name, _ in kept:
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("PRAGMA defer_foreign_keys = ON")  # nodes and turns refer to one another
    going: set[bytes] = set()
    for run in runs:
        for table, where in _ROWS.items():
            going.update(_digests(connection, table, where, (run,)))
        for table, where in _ROWS.items():
            connection.execute(f"DELETE FROM {table} WHERE {where}", (run,))  # noqa: S608  (names are ours)
    for table in _VALUES:
        if going:
            going.difference_update(_digests(connection, table))
    connection.executemany("DELETE FROM blob WHERE sha256 = ?", [(digest,) for digest in going])
    for _, sql in kept:
        connection.execute(sql)
    return len(going)


def _digests(connection: Database, table: str, where: str = "TRUE", given: Sequence[object] = ()) -> Iterable[bytes]:
    """The digests that rows of a table name."""
    columns = _VALUES.get(table)
    if columns is None:
        return
    rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {where}", given)  # noqa: S608
    for row in rows:
        for named in filter(None, row):
            yield from (named[at : at + _DIGEST] for at in range(0, len(named), _DIGEST))
