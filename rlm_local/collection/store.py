"""A collection's database: where it is, who may use it now, and whether it is of this version.

A file beside it, `<key>.lock`, is held shared by whoever reads and exclusively by whoever writes. So pages that are
read do not change, and who reads a sealed one at the same time can have them from one place in memory. A process that
ends, however it ends, gives the lock up.
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from errno import ENOSPC
from pathlib import Path
from typing import Literal, Protocol
from weakref import WeakValueDictionary

import apsw

from rlm_local.collection.errors import CollectionError
from rlm_local.collection.schema import PAGE, SCHEMA, VERSION
from rlm_local.sqlite import Database, Pages, connect
from rlm_local.vault import Key

_WAKE = 0.1
_OPENING = threading.Lock()
_OPENED: WeakValueDictionary[Path, Pages] = WeakValueDictionary()
"""The pages of sealed databases that this process reads."""


class Stop(Protocol):
    """Something that a person can stop, or that has a deadline."""

    @property
    def stopped(self) -> bool: ...


class Lock:
    """The lock of one database. `take` again changes what is held.

    Args:
        database: the database's path.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_suffix(".lock")
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CollectionError(f"{self._path} cannot be opened: {error.strerror or error}") from error

    def take(
        self,
        how: Literal["shared", "exclusive"],
        told: Callable[[str], None],
        cancel: Stop | None = None,
    ) -> None:
        """Waits until it can be had, and tells so once.

        Raises:
            CollectionError: cancelled meanwhile.
        """
        operation = fcntl.LOCK_SH if how == "shared" else fcntl.LOCK_EX
        waiting = False
        while True:
            try:
                fcntl.flock(self._descriptor, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waiting:
                    busy = "being brought up to date" if how == "shared" else "in use"
                    told(f"waiting: the collection is {busy} by another process")
                    waiting = True
                if cancel is not None and cancel.stopped:
                    raise CollectionError("cancelled while waiting for another process") from None
                time.sleep(_WAKE)
            else:
                return

    def try_exclusive(self) -> bool:
        """Whether it can be had at once; it is held then."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        os.close(self._descriptor)


def open_writing(path: Path, key: Key | None = None) -> Database:
    """The database for the one who writes; made where there is none, and anew where an older version left one.

    Raises:
        CollectionError: a newer rlm-local wrote it, or it cannot be opened.
    """
    try:
        if _version(path, key) not in (0, VERSION):
            path.unlink()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        db = connect(path, key=key)
        temporary = "MEMORY" if key else "FILE"  # temporary files would not be sealed
        for statement in (f"page_size = {PAGE}", "journal_mode = DELETE", "synchronous = NORMAL",
                          "cache_size = -32000", f"temp_store = {temporary}", "trusted_schema = OFF"):  # fmt: skip
            db.execute(f"PRAGMA {statement}").fetchall()
        if not _version(path, key):
            with db:
                db.execute(SCHEMA)
                db.execute("INSERT INTO meta VALUES ('version', ?), ('made', ?)", (VERSION, int(time.time())))
    except (apsw.Error, OSError) as error:
        raise trouble(path, error) from error
    return db


def open_reading(path: Path, key: Key | None = None) -> Database:
    """The database for one who reads, and holds the lock."""
    try:
        db = connect(path, reading=True, key=key)
        db.execute("PRAGMA query_only = ON; PRAGMA cache_size = -16000").fetchall()
        db.execute(f"PRAGMA temp_store = {'MEMORY' if key else 'FILE'}")
    except apsw.Error as error:
        raise trouble(path, error) from error
    return db


def opened_pages(path: Path, db: Database) -> Pages:
    """The pages of a sealed database, for one who holds its lock and lets them go before it."""
    with _OPENING:
        return _OPENED.get(path) or _OPENED.setdefault(path, Pages(db))


def is_current(path: Path, key: Key | None = None) -> bool:
    """Whether there is a database of this version.

    Raises:
        CollectionError: a newer rlm-local wrote it.
    """
    return _version(path, key) == VERSION


def _version(path: Path, key: Key | None) -> int:
    if not path.exists() or not path.stat().st_size:
        return 0
    try:
        db = connect(path, key=key)  # for writing: an ingest that was killed is rolled back
        try:
            found = db.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        finally:
            db.close()
    except apsw.SQLError:
        return 0 if _is_blank(path, key) else -1
    except apsw.NotADBError:
        return -1
    version = int(str(found[0])) if found else -1
    if version > VERSION:
        raise CollectionError(
            f"the collection {path.stem} was made by a newer rlm-local",
            remedy="Use that one, or drop the collection: rlm-local collection drop " + path.stem,
        )
    return version


def _is_blank(path: Path, key: Key | None) -> bool:
    db = connect(path, key=key)
    try:
        return db.execute("SELECT count(*) FROM sqlite_schema").get == 0
    finally:
        db.close()


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came of: SQLite rolls back by itself, and then there is nothing to roll back."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def trouble(path: Path, error: Exception) -> CollectionError:
    """What broke, in words."""
    if any(isinstance(each, apsw.FullError) or getattr(each, "errno", None) == ENOSPC for each in _behind(error)):
        return CollectionError(
            f"the disk is full: {path.parent}", remedy="Make room, and ask again: what was read so far is kept"
        )
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        return CollectionError(
            f"the collection {path.name} is damaged", remedy=f"Drop it: rlm-local collection drop {path.stem}"
        )
    return CollectionError(f"the collection {path.name} cannot be used: {error}")
