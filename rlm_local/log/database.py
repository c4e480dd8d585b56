"""The SQLite file: transactions that are durable when they end, values kept once by hash, errors with a remedy."""

import hashlib
import json
import math
import os
import struct
import sys
import time
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, RLock
from typing import Any, cast

import apsw

from rlm_local.errors import StoreError
from rlm_local.log.schema import MIGRATIONS, Migrations, migrate
from rlm_local.sqlite import Database as Connection
from rlm_local.sqlite import Row, connect, named
from rlm_local.vault import Key

_BUSY_SECONDS = 30.0
_PAGE = 50  # rows
_DIGEST = hashlib.sha256().digest_size
_CREATING = Lock()  # until the file is closed, no thread connects to it


class Database:
    """One connection, shared by the threads of a process; other processes may hold their own on the same file.

    Args:
        path: the file, made where it is missing.
        migrations: what makes its tables.
        what: the file's name in errors.
        key: what the file is sealed with, if it is.

    Raises:
        StoreError: from every method, where the file cannot be opened, read or written.
    """

    def __init__(
        self,
        path: Path,
        migrations: Migrations = MIGRATIONS,
        *,
        what: str = "the log of runs",
        key: Key | None = None,
    ) -> None:
        self.path = path
        self._called = f"{what} {path}"
        self._lock = RLock()
        with self._explained():
            try:
                _create(path)
            except OSError as error:
                raise StoreError(
                    f"{self._called} cannot be written: {error.strerror or error}",
                    remedy="Set RLM_LOCAL_HOME to a directory that you can write",
                ) from error
            self._connection = connect(path, key=key)
            try:
                self._connection.row_trace = named
                self._connection.set_busy_timeout(int(_BUSY_SECONDS * 1000))
                self._into_wal()
                self._connection.execute("PRAGMA synchronous=FULL")
                self._connection.execute("PRAGMA foreign_keys=ON")
                self._connection.execute("PRAGMA secure_delete=ON")
                with self.writing() as connection:
                    migrate(connection, migrations, what)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction: on the disk when it ends, undone when it raises."""
        with self._lock, self._explained():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """One consistent view of the file."""
        with self._lock, self._explained():
            try:
                self._connection.execute("BEGIN")
                yield self._connection
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def scrub(self) -> None:
        """Leaves nothing of what was deleted in the file and beside it, once nobody reads what was before.

        Deleted bytes are overwritten where they stood; what others wrote before this file was first scrubbed was not,
        so then all of it is written anew.

        Raises:
            StoreError: somebody has read it for too long; what was deleted is, but its bytes are still in the `-wal`.
        """
        with self._lock, self._explained():
            if not self._connection.execute("PRAGMA user_version").fetchone()[0]:
                self._connection.execute("VACUUM")
                self._connection.execute("PRAGMA user_version=1")
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(
                f"{self._called} is read by another process, so bytes of what was deleted are still in its -wal file",
                remedy="End that process, and delete anything once more",
            )

    def latest(self, table: str, where: str = "TRUE", *given: object) -> Iterator[list[Row]]:
        """Rows of a table that meet a condition, the last one first, in pages that are read as they are asked for."""
        query = f"SELECT * FROM {table} WHERE {where} AND id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608  (names are ours)
        before = sys.maxsize
        while True:
            with self.reading() as connection:
                rows = connection.execute(query, (*given, before, _PAGE)).fetchall()
            yield rows
            if len(rows) < _PAGE:
                return
            before = rows[-1]["id"]

    def insert(self, table: str, row: Sequence[object]) -> int:
        """Adds a row, in the transaction under way. Returns its id."""
        places = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO {table} VALUES ({places})", row)  # noqa: S608  (names are ours)
        return self._connection.last_insert_rowid()

    def put(self, value: bytes) -> bytes:
        """Keeps a value, in the transaction under way. Returns its sha256, which is its name."""
        digest = hashlib.sha256(value).digest()
        self._connection.execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (digest, zlib.compress(value)))
        return digest

    def get(self, digest: bytes) -> bytes:
        row = self._connection.execute("SELECT data FROM blob WHERE sha256 = ?", (digest,)).fetchone()
        try:
            value = zlib.decompress(cast("bytes", row[0])) if row else b""
        except zlib.error:
            value = b""
        if hashlib.sha256(value).digest() != digest:
            raise _damaged(self._called, f"value {digest.hex()[:12]} is not what was written")
        return value

    def put_text(self, text: str) -> bytes:
        return self.put(text.encode("utf-8", "surrogatepass"))

    def get_text(self, digest: bytes) -> str:
        return self.get(digest).decode("utf-8", "surrogatepass")

    def put_json(self, value: object) -> bytes:
        return self.put_text(json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":")))

    def get_json(self, digest: bytes) -> Any:
        return json.loads(self.get_text(digest))

    def put_list(self, values: Iterable[object]) -> bytes:
        """Keeps each of several values by itself. Returns their digests, joined."""
        return b"".join(self.put_json(value) for value in values)

    def get_list(self, digests: bytes) -> tuple[Any, ...]:
        return tuple(self.get_json(digests[i : i + _DIGEST]) for i in range(0, len(digests), _DIGEST))

    def put_ids(self, ids: Sequence[int]) -> bytes:
        return self.put(struct.pack(f"<{len(ids)}i", *ids))

    def get_ids(self, digest: bytes) -> tuple[int, ...]:
        value = self.get(digest)
        return struct.unpack(f"<{len(value) // 4}i", value)

    def _into_wal(self) -> None:
        """SQLite does not wait when two processes turn a new file to WAL at once, so this does."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
            except apsw.BusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except apsw.Error as error:
            raise _explain(self._called, error) from error


def _create(path: Path) -> None:
    """Makes the file where it is missing, for its owner alone.

    One that is there is not opened: to close it would give up the locks that SQLite holds on it for this process
    (SQLite, How To Corrupt An SQLite Database File, 2.2).
    """
    with _CREATING, suppress(FileExistsError):
        os.close(os.open(path.resolve(), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    path.chmod(0o600)


def _explain(called: str, error: apsw.Error) -> StoreError:
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        return _damaged(called, str(error))
    if isinstance(error, (apsw.FullError, apsw.IOError)):
        return StoreError(
            f"{called} cannot grow: {error}",
            remedy="Free some space on its disk; what was written before is kept",
        )
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return StoreError(
            f"{called} has been held by another process for {_BUSY_SECONDS:.0f} s",
            remedy="End that process, or set RLM_LOCAL_HOME to another directory",
        )
    if isinstance(error, apsw.ConstraintError):
        return StoreError(f"{called} does not take this ({error}): what it belongs to may have been deleted meanwhile")
    if isinstance(error, (apsw.ReadOnlyError, apsw.CantOpenError)):
        return StoreError(
            f"{called} cannot be written: {error}",
            remedy="Make its directory writable, or set RLM_LOCAL_HOME to one that is",
        )
    return StoreError(f"{called} failed: {error}")


def _damaged(called: str, detail: str) -> StoreError:
    return StoreError(f"{called} is damaged: {detail}", remedy="Move it away; the next run starts a new one")


def _finite(value: object) -> object:
    """The same JSON data with None for every number that JSON cannot write."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in cast("Sequence[object]", value)]
    return value
