"""The server's own tables: keys, files, and what was asked of it. What happened in a run is in the log of runs."""

from rlm_local.home import Home
from rlm_local.log.database import Database

_TABLES = """
CREATE TABLE key (
  id TEXT PRIMARY KEY,                                    -- the part of a key that is shown
  name TEXT NOT NULL UNIQUE,
  sha256 BLOB NOT NULL,                                   -- of the part that is not
  scopes TEXT NOT NULL,                                   -- with spaces between
  made REAL NOT NULL,                                     -- seconds since 1970, UTC
  revoked REAL
);
CREATE TABLE file (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,                                    -- the id of a key, or local
  name TEXT NOT NULL,
  purpose TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  made REAL NOT NULL
);
CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,                            -- in the log of runs, once it has begun
  owner TEXT NOT NULL,
  accepted REAL NOT NULL,
  request TEXT NOT NULL,                                  -- JSON object
  ended TEXT                                              -- how; NULL while it waits or works
);
CREATE INDEX file_owner ON file (owner);
CREATE INDEX job_owner ON job (owner);
"""


def open_state(home: Home) -> Database:
    """The database of the server in a state directory, made where it is missing.

    Raises:
        StoreError, HomeError: it cannot be opened.
    """
    return Database(home.serve / "serve.sqlite", (("0001 serve", _TABLES),), what="the server's state", key=home.key)
