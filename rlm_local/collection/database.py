"""SQLite as this package uses it, through apsw, whose own types Python 3.11 cannot tell in full."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, cast

import apsw


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
    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> object: ...


def connect(path: Path, *, reading: bool = False) -> Database:
    """Opens a database, made where there is none unless it is for reading."""
    flags = apsw.SQLITE_OPEN_READONLY if reading else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    return cast("Database", apsw.Connection(str(path), flags=flags))
