"""The audit log: who asked what when. It only grows, and every line seals all lines before it.

A line is a JSON object whose `hash` is the sha256 of the rest of it, which holds the `hash` of the line before. A line
that is changed, taken out or put in breaks the chain there. Lines taken off the end leave a chain that holds: compare
the count and the last hash with what `rlm-local audit verify` said before.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from rlm_local.errors import StoreError

_FIRST = "0" * 64
_STEP = 64 << 10


@dataclass(frozen=True)
class Verdict:
    """What a check of the whole log came to. `line` is the first that is not as it was written, 0 where all are."""

    lines: int
    last: str
    line: int = 0
    problem: str = ""


class AuditLog:
    """The log in one file, readable by its owner alone. Several processes may write it.

    Raises:
        StoreError: from every method, where the file cannot be read or written. What was not written was not done.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, who: str, what: str, **details: object) -> None:
        """One line: on the disk when this returns."""
        with self._open() as file:
            number, last = _end(file)
            line = {"n": number + 1, "at": datetime.now(UTC).isoformat(), "who": who, "what": what, **details}
            data = _seal({**line, "prev": last})
            end = os.fstat(file).st_size
            try:
                while data:
                    data = data[os.write(file, data) :]
                os.fsync(file)
            except OSError:
                os.ftruncate(file, end)
                raise

    def verify(self) -> Verdict:
        """Reads all lines and checks the chain."""
        last, number = _FIRST, 0
        with self._open() as file, os.fdopen(os.dup(file), "rb") as lines:
            lines.seek(0)
            for number, data in enumerate(lines, 1):
                line = _parse(data)
                if line is None:
                    return Verdict(number, last, number, "is not whole")
                if line.get("prev") != last or line.get("n") != number:
                    return Verdict(number, last, number, "does not follow the line before it")
                if _seal({key: value for key, value in line.items() if key != "hash"}) != data:
                    return Verdict(number, last, number, "is not as it was written")
                last = str(line["hash"])
        return Verdict(number, last)

    @contextmanager
    def _open(self) -> Generator[int]:
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                os.close(file)
        except OSError as error:
            raise StoreError(
                f"the audit log {self.path} cannot be written: {error.strerror or error}",
                remedy="Free some space on its disk, or make it writable; nothing is answered that is not recorded",
            ) from error


def _seal(line: dict[str, Any]) -> bytes:
    text = json.dumps(line, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{text[:-1]},"hash":"{digest}"}}\n'.encode()


def _parse(data: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(data) if data.endswith(b"\n") else None
    except ValueError:
        return None
    return cast("dict[str, Any]", line) if isinstance(line, dict) else None


def _end(file: int) -> tuple[int, str]:
    """The number and the hash of the last line. One that was cut short, so never acknowledged, is taken off."""
    size = os.fstat(file).st_size
    tail, start = b"", size
    while start and tail.count(b"\n") < 2:
        start = max(0, start - _STEP)
        tail = os.pread(file, size - start, start)
    whole = tail.rfind(b"\n") + 1
    if whole < len(tail):
        os.ftruncate(file, start + whole)
    line = _parse(tail[:whole][tail[:whole].rfind(b"\n", 0, whole - 1) + 1 :])
    return (int(line["n"]), str(line["hash"])) if line else (0, _FIRST)
