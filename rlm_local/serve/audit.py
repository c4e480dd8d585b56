"""The audit log: who asked what when. It only grows, and every line seals all lines before it.

A line is a JSON object. Its `hash` is the sha256 of the rest of it, which holds the `hash` of the line before; its
`seal` is the HMAC of that with a key of the server. The number and the hash of the last line, the head, are kept apart
from the log, beside the key, and signed with it. So:

- a line that is changed, taken out, put in or moved breaks the chain there;
- lines that are cut off, a log that is deleted, and a chain that is made anew do not end as the head says;
- a line that is put behind the last one has no seal.

Who can write both places and has the key can make all of it anew. What shows that is a receipt: the number and hash of
a line, printed by every check and kept elsewhere.

What was broken stays told: the next line that is written says what was found, and the log goes on from there.
"""

import fcntl
import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Container, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rlm_local.errors import StoreError
from rlm_local.home import Home
from rlm_local.serve.chain import (
    START,
    Check,
    End,
    Head,
    Receipt,
    Verdict,
    end_of,
    line_after,
    parse,
    sealed,
    trouble_of,
)
from rlm_local.vault import Key
from rlm_local.vault.errors import VaultError

_TEXTS = ("question", "name")
"""What of a line may be hashed."""

_STEP = 64 << 10
_HEAD_BYTES = 256  # less than a sector: it is written whole or not at all
_KEY_BYTES = 32
_KEYED = "hmac-sha256:"

_logger = logging.getLogger(__name__)


class AuditLog:
    """The log in one file, readable by its owner alone. Several processes may write it.

    Args:
        path: the log.
        apart: the folder of the key and the head, which may be on another disk; it exists.
        texts: whether questions and names of files are written as they are, not as keyed hashes.
        key: what each line, and the key that is kept apart, are sealed with, if they are.

    Raises:
        StoreError: from every method, where the file cannot be read or written. What was not written was not done.
    """

    def __init__(self, path: Path, apart: Path, *, texts: bool = False, key: Key | None = None) -> None:
        self.path = path
        self._sealing = key
        self._apart = apart
        self._texts = texts

    @classmethod
    def of(cls, home: Home, *, texts: bool = False) -> "AuditLog":
        """That of a state directory."""
        return cls(home.serve / "audit.jsonl", home.seal, texts=texts, key=home.key)

    def told(self, text: str) -> str:
        """A question or a name of a file as the log has it: who does not know it cannot tell it from the hash."""
        return text if self._texts else self._keyed(text)

    def record(self, who: str, what: str, **details: object) -> None:
        """One line: on the disk when this returns."""
        with self._open() as file:
            key, head, end = self._key(), self._head(), self._end(file)
            trouble = trouble_of(end, head, key) if end else "its last line cannot be read"
            kept = head.receipt if head and head.is_of(key) else START
            last = end.receipt if end else kept
            after, data = Receipt(max(last.n, kept.n), last.hash), b""
            if trouble:
                _logger.error("the audit log %s: %s; it goes on, and `audit verify` tells all", self.path, trouble)
                after, data = line_after(after, key, "server", "broken", {"problem": trouble})
            after, line = line_after(after, key, who, what, details)
            size = os.fstat(file).st_size
            try:
                _write(file, b"".join(map(self._sealed, filter(None, (data, line)))))
                self._keep_head(after, key)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file, size)
                raise

    def verify(self, since: Receipt | None = None) -> Verdict:
        """Reads all lines and checks chain, seals and head.

        Args:
            since: of an earlier check: that line has to be as it was then, and what follows it is checked.
        """
        with self._open() as file:
            key, head = self._key(make=False), self._head()
            check = Check(key, since)
            for position, data in enumerate(self._lines(file), 1):
                check.take(position, data)
        return check.verdict(head)

    def find(self, text: str) -> list[dict[str, Any]]:
        """The lines about a question, or about a file of that name, whether it is hashed or not."""
        wanted = (text, self._keyed(text))
        return [line for line in self._parsed() if any(line.get(name) in wanted for name in _TEXTS)]

    def in_clear(self, ids: Container[object]) -> int:
        """How many lines about some runs and files have a question or a name as it was written."""
        return sum(
            not str(text).startswith(_KEYED)
            for line in self._parsed()
            if str(line.get("run")) in ids or str(line.get("file")) in ids
            for text in map(line.get, _TEXTS)
            if text is not None
        )

    def _parsed(self) -> Iterator[dict[str, Any]]:
        with self._open() as file:
            yield from filter(None, map(parse, self._lines(file)))

    def _keyed(self, text: str) -> str:
        with self._explained():
            key = self._key()
        return _KEYED + hmac.new(key, b"text " + text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def _key(self, *, make: bool = True) -> bytes:
        """The server's key; empty where there is none and none is made."""
        path = self._apart / "key"
        with suppress(FileNotFoundError):
            found = self._of_key(path.read_bytes())
            if len(found) == _KEY_BYTES:
                return found
        if not make:
            return b""
        path.unlink(missing_ok=True)
        part = path.with_name(f"key.{secrets.token_hex(4)}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            made = secrets.token_bytes(_KEY_BYTES)
            _write(descriptor, made if self._sealing is None else self._sealing.seal(made))
            with suppress(FileExistsError):
                os.link(part, path)  # of two processes, one makes it
        finally:
            os.close(descriptor)
            part.unlink()
        return self._of_key(path.read_bytes())

    def _of_key(self, content: bytes) -> bytes:
        """What is kept, opened; empty where it is not as it was sealed: one put there in clear is anybody's."""
        try:
            return content if self._sealing is None else self._sealing.open(content)
        except VaultError:
            return b""

    def _sealed(self, line: bytes) -> bytes:
        return line if self._sealing is None else self._sealing.seal_line(line)

    def _opened(self, line: bytes) -> bytes:
        return line if self._sealing is None else self._sealing.open_line(line)

    def _head(self) -> "Head | None":
        """What is kept apart of the last line; None where nothing is."""
        try:
            data = (self._apart / "head").read_bytes()
        except FileNotFoundError:
            return None
        found = parse(data.rstrip(b" \n") + b"\n") or {}
        number, digest = found.get("n"), found.get("hash")
        if not isinstance(number, int) or not isinstance(digest, str):
            return Head(START, "")
        return Head(Receipt(number, digest), str(found.get("seal")))

    def _keep_head(self, receipt: Receipt, key: bytes) -> None:
        head = {"n": receipt.n, "hash": receipt.hash, "seal": sealed(key, "head", receipt)}
        descriptor = os.open(self._apart / "head", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            _write(descriptor, json.dumps(head).encode().ljust(_HEAD_BYTES - 1) + b"\n")
            os.ftruncate(descriptor, _HEAD_BYTES)
        finally:
            os.close(descriptor)

    def _lines(self, file: int) -> Iterator[bytes]:
        with os.fdopen(os.dup(file), "rb") as lines:
            lines.seek(0)
            yield from map(self._opened, lines)

    def _end(self, file: int) -> End | None:
        """The last line; None where it cannot be read. One that was cut short, so never acknowledged, is taken off."""
        size = os.fstat(file).st_size
        tail, start = b"", size
        while start and tail.count(b"\n") < 2:
            start = max(0, start - _STEP)
            tail = os.pread(file, size - start, start)
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            os.ftruncate(file, start + whole)
        if not whole:
            return End(START)
        return end_of(parse(self._opened(tail[:whole][tail[:whole].rfind(b"\n", 0, whole - 1) + 1 :])))

    @contextmanager
    def _open(self) -> Generator[int]:
        with self._explained():
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                os.close(file)

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"the audit log {self.path} cannot be written: {error.strerror or error}",
                remedy="Free some space on its disk, or make it writable; nothing is answered that is not recorded",
            ) from error


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)
