"""The tables, as named migrations. One that was released is never changed; a new one is added at the end.

Long values are not in the tables: a column named after one holds the sha256 of its blob, `messages` the sha256 of each
message, one after another. Nothing is updated: triggers refuse it. They refuse deleting, too, except to `deletion.py`,
which takes out whole runs.
"""

import sqlite3
from collections.abc import Sequence

from rlm_local.errors import StoreError
from rlm_local.sqlite import Database

_RUNS = """
CREATE TABLE blob (
  sha256 BLOB PRIMARY KEY,                                -- of the value itself
  data BLOB NOT NULL                                      -- the value, deflated
);
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,                            -- sorts by time; what a person types
  started REAL NOT NULL,                                  -- seconds since 1970, UTC
  question BLOB NOT NULL,
  task_id BLOB,
  sources BLOB NOT NULL,                                  -- JSON list
  context_sha256 TEXT NOT NULL,
  context_tokens INTEGER NOT NULL,
  documents INTEGER NOT NULL,
  model TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  template_sha256 TEXT NOT NULL,
  prompt_version TEXT NOT NULL,
  author TEXT NOT NULL,
  policy TEXT NOT NULL,
  limits BLOB NOT NULL,                                   -- JSON object
  seed INTEGER NOT NULL
);
CREATE TABLE node (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run,
  parent INTEGER REFERENCES node,
  depth INTEGER NOT NULL,
  question BLOB NOT NULL
);
CREATE TABLE turn (
  id INTEGER PRIMARY KEY,
  node INTEGER NOT NULL REFERENCES node,
  state BLOB NOT NULL,                                    -- JSON object
  decision BLOB NOT NULL,                                 -- JSON object
  messages BLOB NOT NULL,
  prefill BLOB NOT NULL,
  prompt_ids BLOB NOT NULL,                               -- 32-bit little-endian integers
  completion_ids BLOB NOT NULL,
  text BLOB NOT NULL,
  plan BLOB NOT NULL,                                     -- JSON object or null
  cell BLOB NOT NULL
);
CREATE TABLE turn_end (
  turn INTEGER PRIMARY KEY REFERENCES turn,
  output BLOB NOT NULL,
  error BLOB,
  stopped TEXT,
  seconds REAL NOT NULL
);
CREATE TABLE batch (
  id INTEGER PRIMARY KEY,
  turn INTEGER NOT NULL REFERENCES turn,
  kind TEXT NOT NULL,
  seconds REAL NOT NULL
);
CREATE TABLE call (
  id INTEGER PRIMARY KEY,
  batch INTEGER NOT NULL REFERENCES batch,
  messages BLOB NOT NULL,
  prefill BLOB NOT NULL,
  options BLOB NOT NULL,                                  -- JSON list
  result BLOB NOT NULL,                                   -- JSON object
  prompt_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL
);
CREATE TABLE answer (
  run INTEGER PRIMARY KEY REFERENCES run,
  ended TEXT NOT NULL,
  data BLOB NOT NULL                                      -- JSON object
);
CREATE INDEX node_run ON node (run);
CREATE INDEX turn_node ON turn (node);
CREATE INDEX batch_turn ON batch (turn);
CREATE INDEX call_batch ON call (batch);
"""

_TREE = """
ALTER TABLE run ADD COLUMN price REAL;                    -- of a thousand tokens, in nats; NULL: the policy's own
ALTER TABLE run ADD COLUMN resumes TEXT;                  -- the run_id of the run that this one goes on with
ALTER TABLE node ADD COLUMN turn INTEGER REFERENCES turn; -- of the parent's that started it
ALTER TABLE node ADD COLUMN view BLOB;                    -- JSON object: what of the documents it was given
ALTER TABLE node ADD COLUMN share BLOB;                   -- JSON object: what it may spend
ALTER TABLE turn ADD COLUMN spent BLOB;                   -- JSON object: what deciding and writing the cell cost
CREATE TABLE node_end (
  node INTEGER PRIMARY KEY REFERENCES node,
  ended TEXT NOT NULL,
  result BLOB NOT NULL                                    -- JSON object
);
"""

_CONVERSATION = """
ALTER TABLE run ADD COLUMN follows TEXT;                  -- the run_id of the run asked just before it
ALTER TABLE run ADD COLUMN understood BLOB;               -- JSON object: how a follow-up became the question, or NULL
"""

_OUTCOMES = """
CREATE TABLE outcome (
  run INTEGER PRIMARY KEY REFERENCES run,
  split TEXT NOT NULL,                                    -- train or held-out
  grouping TEXT NOT NULL,                                 -- tasks of one group are in one split, for ever
  branch TEXT NOT NULL,                                   -- runs from the same state have the same
  forced TEXT NOT NULL,                                   -- the action, and the op of a plan, as in SEARCH count
  expected BLOB NOT NULL,
  score REAL NOT NULL
);
CREATE INDEX outcome_branch ON outcome (branch);
"""


def _append_only(*tables: str) -> str:
    return "".join(
        f"CREATE TRIGGER {table}_no_{change} BEFORE {change} ON {table}\n"
        f"BEGIN SELECT raise(ABORT, 'the log is append-only'); END;\n"
        for table in tables
        for change in ("UPDATE", "DELETE")
    )


Migrations = Sequence[tuple[str, str]]
"""Names and scripts, in the order in which they are applied."""

MIGRATIONS: Migrations = (
    ("0001 runs", _RUNS + _append_only("blob", "run", "node", "turn", "turn_end", "batch", "call", "answer")),
    ("0002 tree", _TREE + _append_only("node_end")),
    ("0003 outcomes", _OUTCOMES + _append_only("outcome")),
    ("0004 typed answers", "ALTER TABLE run ADD COLUMN answer_schema BLOB;  -- JSON Schema, or NULL\n"),
    ("0005 deletion", "CREATE INDEX node_turn ON node (turn);\nCREATE INDEX node_parent ON node (parent);\n"),
    ("0006 thoughts", "ALTER TABLE turn ADD COLUMN thought BLOB;  -- before the cell was written\n"),
    ("0007 conversation", _CONVERSATION),
    ("0008 length", "ALTER TABLE run ADD COLUMN length TEXT;  -- of a summary, or NULL: medium\n"),
)


def migrate(connection: Database, migrations: Migrations, what: str) -> None:
    """Brings a database, called `what` in errors, up to date, in one transaction of the caller's.

    Raises:
        StoreError: a newer rlm-local wrote it; nothing was changed.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)")
    applied = {str(name) for (name,) in connection.execute("SELECT name FROM migration")}
    unknown = applied - {name for name, _ in migrations}
    if unknown:
        raise StoreError(
            f"{what} was written by a newer rlm-local ({', '.join(sorted(unknown))})",
            remedy="Update rlm-local, or set RLM_LOCAL_HOME to another directory",
        )
    for name, script in migrations:
        if name not in applied:
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute("INSERT INTO migration VALUES (?)", (name,))


def _statements(script: str) -> list[str]:
    """The statements of a script. `executescript` would commit the transaction that makes a migration whole."""
    statements, start = list[str](), 0
    for end, character in enumerate(script):
        if character == ";" and sqlite3.complete_statement(script[start : end + 1]):
            statements.append(script[start : end + 1])
            start = end + 1
    return statements
