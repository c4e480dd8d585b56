"""SQLite as this package uses it, through apsw, whose own types Python 3.11 cannot tell in full."""

import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, cast

import apsw

from rlm_local.vault import Key


class Cursor(Protocol):
    """Rows of a statement; `get` is the one value of a statement that has one."""

    def fetchall(self) -> list[Any]: ...
    def fetchone(self) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __next__(self) -> Any: ...
    @property
    def get(self) -> Any: ...


class Database(Protocol):
    """An open database. As a context it is a transaction: all of it, or nothing."""

    row_trace: Callable[[Any, tuple[Any, ...]], Any] | None

    def execute(self, statements: str, bindings: Sequence[Any] | None = None) -> Cursor: ...
    def executemany(self, statements: str, sequenceofbindings: Iterable[Sequence[Any]]) -> Cursor: ...
    def create_scalar_function(
        self,
        name: str,
        callable: Callable[..., Any] | None,  # noqa: A002  its name
        numargs: int = -1,
        *,
        deterministic: bool = False,
    ) -> None: ...
    def close(self) -> None: ...
    def changes(self) -> int: ...
    def last_insert_rowid(self) -> int: ...
    def serialize(self, name: str) -> bytes: ...
    def set_busy_timeout(self, milliseconds: int) -> None: ...
    @property
    def in_transaction(self) -> bool: ...
    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> object: ...


class Row:
    """The values of a row, by place and by the column's name."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: tuple[Any, ...]) -> None:
        self._places, self._values = places, values

    def __getitem__(self, column: int | str) -> Any:
        return self._values[self._places[column] if isinstance(column, str) else column]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def connect(path: Path | str, *, reading: bool = False, key: Key | None = None) -> Database:
    """Opens a database, made where there is none unless it is for reading.

    Args:
        key: of a sealed one. Whether it is the right one shows where the database is first read: as apsw.NotADBError.
    """
    flags = apsw.SQLITE_OPEN_READONLY if reading else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    database = cast("Database", apsw.Connection(str(path), flags=flags))
    if key is not None:
        database.execute(key.sqlite).fetchall()
        database.execute("PRAGMA temp_store = MEMORY").fetchall()  # its temporary files would not be sealed
    return database


class Pages:
    """A database's pages as they are when they are not sealed: in memory alone, never changed, behind a descriptor.

    They take as much memory as the database is large, twice that while they are made, and go with the last reference.
    """

    def __init__(self, database: Database) -> None:
        self.descriptor = _in_memory(database)
        weakref.finalize(self, os.close, self.descriptor)


def _in_memory(database: Database) -> int:
    import fcntl  # not on Windows, where the program starts all the same

    pages = database.serialize("main")
    descriptor = os.memfd_create("pages", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(pages)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def named(cursor: Any, values: tuple[Any, ...]) -> Row:
    """A `row_trace` that makes rows of `Row`."""
    return Row(_places(cursor.get_description()), values)


@lru_cache(256)
def _places(description: tuple[tuple[str, str | None], ...]) -> dict[str, int]:
    """Of two columns of one name, the first is meant."""
    return {name: place for place, (name, _) in reversed(list(enumerate(description)))}
