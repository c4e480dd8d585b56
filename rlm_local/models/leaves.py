"""LeafCache: the answers of leaf calls on disk, so that a map that is repeated costs nothing."""

import hashlib
import json
import math
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw

from rlm_local.sqlite import Database, connect
from rlm_local.vault import Key

_SCHEMA = "CREATE TABLE IF NOT EXISTS leaf (key BLOB PRIMARY KEY, used REAL, answer TEXT) WITHOUT ROWID"
_MOST_BYTES = 256 << 20  # about two million scores
_PAGE = 4096
_AT_ONCE = 500  # keys a query
_SPARED = 0.75  # of the answers stay when there is no room for more, those that were used last


class LeafCache:
    """Answers by what was asked, in one SQLite file. What cannot be read or written is as good as not there.

    Args:
        path: the file; made if missing, and made anew if it is damaged.
        identity: what answers depend on beside the call: the weights and the library.
        most_bytes: what the file may take; the answers that were not used for longest go.
        key: what it is sealed with, if it is.
    """

    def __init__(self, path: Path, identity: bytes, *, most_bytes: int = _MOST_BYTES, key: Key | None = None) -> None:
        self._key = key
        self._identity = identity
        self._lock = threading.Lock()
        self._most_pages = max(8, most_bytes // _PAGE)
        try:
            self._database = self._open(path)
        except (apsw.CorruptError, apsw.NotADBError):
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._database = self._open(path)
        except apsw.Error:  # busy, or a disk that cannot be written: this process keeps its own
            self._database = self._open(":memory:")

    def key(self, call: Sequence[Any], space: bytes, tokens: bytes) -> bytes:
        """What names an answer.

        Args:
            call: what the answer depends on beside prompt and adapters, as plain data: the kind, options, sampling.
            space: the adapters.
            tokens: the prompt.
        """
        said = json.dumps(call).encode()
        parts = (self._identity, said, space, tokens)
        return hashlib.sha256(b"".join(b"%d:" % len(part) + part for part in parts)).digest()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Any]:
        """The answers that are there, by key."""
        found: dict[bytes, Any] = {}
        with self._lock, suppress(apsw.Error, ValueError):
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT key, answer FROM leaf WHERE key IN ({marks})"  # noqa: S608 - only question marks
                found |= {key: json.loads(answer) for key, answer in self._database.execute(query, some)}
            self._database.executemany("UPDATE leaf SET used = ? WHERE key = ?", [(time.time(), key) for key in found])
        return found

    def put(self, answers: Mapping[bytes, Any]) -> None:
        """Keep answers, which are plain data, by key."""
        rows = [(key, time.time(), json.dumps(answer)) for key, answer in answers.items()]
        with self._lock, suppress(apsw.Error):
            try:
                self._insert(rows)
            except apsw.FullError:  # the file has as many pages as it may
                [(count,)] = self._database.execute("SELECT count(*) FROM leaf")
                going = int(count * (1 - _SPARED)) + 1
                self._database.execute(
                    "DELETE FROM leaf WHERE key IN (SELECT key FROM leaf ORDER BY used LIMIT ?)", [going]
                )
                self._insert(rows)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _insert(self, rows: Iterable[tuple[bytes, float, str]]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("INSERT OR REPLACE INTO leaf VALUES (?, ?, ?)", rows)
        except BaseException:
            if self._database.in_transaction:  # a full database has ended it itself
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _open(self, path: Path | str) -> Database:
        database = _connect(path, self._key)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(f"PRAGMA max_page_count = {self._most_pages}")
            database.execute(_SCHEMA)
        except BaseException:
            database.close()
            raise
        return database


def forget_leaves(path: Path, before: float = math.inf, *, key: Key | None = None) -> int:
    """Takes the answers out that were last used before a moment, in seconds since 1970; all processes may go on.

    What was asked is not kept, only a hash of it, so answers of one run cannot be told from those of another.

    Returns:
        How many they were; their bytes are nowhere in the file and beside it.

    Raises:
        apsw.Error: the file is damaged, or in use for too long.
    """
    if not path.exists():
        return 0
    with closing(_connect(path, key)) as database:
        database.execute(_SCHEMA)
        database.execute("DELETE FROM leaf WHERE used < ?", [before])
        gone = database.changes()
        if gone:
            database.execute("VACUUM")
        [busy, *_] = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise apsw.BusyError("another process reads it")
    return gone


def _connect(path: Path | str, key: Key | None) -> Database:
    database = connect(path, key=key)
    database.set_busy_timeout(5000)
    database.execute("PRAGMA secure_delete = ON")
    return database
