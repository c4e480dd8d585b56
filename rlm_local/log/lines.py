"""A file of results, one JSON object a line, that can be gone on with after any interruption."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from rlm_local.errors import StoreError, UsageError


class LineFile:
    """Grows by whole lines, each on the disk when `append` returns. A context manager; one process at a time.

    Attributes:
        rows: the objects that were in it when it was opened. A last line that was cut short is dropped from the file.

    Raises:
        UsageError: a line before the last is no JSON object, or another process has the file open.
        StoreError: it cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        try:
            self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
        try:
            self._lock()
            self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "LineFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, row: dict[str, Any]) -> None:
        end = self._file.tell()
        rest = f"{json.dumps(row)}\n".encode()
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(end)
            self._file.seek(end)
            remedy = "Free some space and start again: what is there is gone on with"
            raise StoreError(f"{self.path} cannot grow: {error.strerror or error}", remedy=remedy) from error

    def _lock(self) -> None:
        try:
            import fcntl  # not on Windows, where help and doctor start all the same

            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"{self.path} is being written by another process", remedy="Wait for it") from error

    def _read(self) -> None:
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise UsageError(f"{self.path}, line {number} is not a JSON object", remedy="Name another file")
            self.rows.append(cast("dict[str, Any]", row))
        self._file.truncate(whole)
        self._file.seek(whole)
