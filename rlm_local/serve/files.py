"""Uploaded files: each belongs to one key, and its bytes are kept once for each name."""

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from rlm_local.errors import StoreError
from rlm_local.log.database import Database
from rlm_local.serve.errors import BadRequestError, NotFoundError
from rlm_local.sqlite import Row
from rlm_local.vault import Key

_CHUNK = 1 << 20
_LONGEST_NAME = 400

MESSAGES = "messages"
"""The purpose of files that are long texts out of messages: they belong to the runs over them."""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class StoredFile:
    """A file as listed. `made` is in seconds since 1970, UTC; `sha256` is of its bytes."""

    id: str
    owner: str
    name: str
    purpose: str
    size: int
    sha256: bytes
    made: float


class FileStore:
    """The files of a server, in a directory of its own.

    Args:
        most_bytes: of a file; 0 is for who adds none.
        quota_bytes: of all files of an owner.
        key: what they are sealed with, if they are.

    Raises:
        StoreError: from every method, where the disk cannot be read or written; nothing half-written stays.
    """

    def __init__(
        self,
        database: Database,
        directory: Path,
        *,
        most_bytes: int = 0,
        quota_bytes: int = 0,
        key: Key | None = None,
    ) -> None:
        self._database = database
        self._directory = directory
        self._most_bytes = most_bytes
        self._quota_bytes = quota_bytes
        self._key = key
        directory.mkdir(mode=0o700, exist_ok=True)

    def tidy(self) -> None:
        """Deletes what a process that died left half-written; for the one server that has the state directory."""
        listed = {file.id for file in self.list(None)}
        for left in self._directory.iterdir():
            if left.name not in listed:
                left.unlink(missing_ok=True)

    def add(
        self,
        owner: str,
        name: str,
        source: Readable,
        *,
        purpose: str,
        before: Callable[[StoredFile], None] = lambda _file: None,
    ) -> StoredFile:
        """Keeps what can be read from `source`. The same bytes under the same name are the file that is there.

        Args:
            before: is called with what will be kept, or is there already, before anybody is told of it.

        Raises:
            BadRequestError: the name is empty or too long, the file is empty, too large, or more than the quota allows.
        """
        name = clean_name(name)
        self.check_room(owner, 1)
        id_ = f"file-{secrets.token_hex(12)}"
        part = self._directory / f"{id_}.part"
        try:
            size, digest = self._write(source, part)
            same = self._same(owner, name, purpose, digest)
            if same:
                before(same)
                return same
            self.check_room(owner, size)
            stored = StoredFile(id_, owner, name, purpose, size, digest, time.time())
            before(stored)
            part.replace(self.path(stored))
            self._enter(stored)
        except OSError as error:
            raise StoreError(
                f"{name} cannot be kept: {error.strerror or error}", remedy="Free some space on the server's disk"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return stored

    def check_room(self, owner: str, size: int) -> None:
        """Whether an owner may keep so many bytes more.

        Raises:
            BadRequestError: no.
        """
        with self._database.reading() as connection:
            row = connection.execute("SELECT coalesce(sum(bytes), 0) FROM file WHERE owner = ?", (owner,)).fetchone()
        if row[0] + size > self._quota_bytes:
            raise BadRequestError(
                f"the files of this key would take more than {self._quota_bytes / 2**20:,.0f} MB",
                remedy="Delete some: texts in messages are kept as files, too",
                code="quota_exceeded",
            )

    def list(self, owner: str | None) -> list[StoredFile]:
        """The files of an owner, or of all, the latest first."""
        where, values = ("WHERE owner = ?", (owner,)) if owner is not None else ("", ())
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT * FROM file {where} ORDER BY made DESC", values).fetchall()  # noqa: S608
        return [_file(row) for row in rows]

    def get(self, owner: str | None, file_id: str) -> StoredFile:
        """A file of that owner; None is whoever may see all.

        Raises:
            NotFoundError: there is none.
        """
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM file WHERE id = ?", (file_id,)).fetchone()
        if row is None or (owner is not None and row["owner"] != owner):
            raise NotFoundError(f"there is no file {file_id!r}", code="file_not_found")
        return _file(row)

    def known(self, file_id: str) -> bool:
        """Whether there is such a file, whoever has it."""
        with self._database.reading() as connection:
            return connection.execute("SELECT 1 FROM file WHERE id = ?", (file_id,)).fetchone() is not None

    def path(self, file: StoredFile) -> Path:
        """Where it lies, sealed if the others are."""
        return self._directory / file.id

    def open(self, file: StoredFile) -> BinaryIO:
        """Its bytes.

        Raises:
            OSError: it is not there any more.
        """
        stream = self.path(file).open("rb")
        return stream if self._key is None else self._key.reader(stream)

    def delete(self, file: StoredFile) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM file WHERE id = ?", (file.id,))
        self.path(file).unlink(missing_ok=True)

    def _write(self, source: Readable, path: Path) -> tuple[int, bytes]:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            sealing = None if self._key is None else self._key.writer(file)
            for chunk in _chunks(source):
                size += len(chunk)
                if size > self._most_bytes:
                    raise BadRequestError(f"the file is larger than {self._most_bytes >> 20} MB", remedy="Split it")
                digest.update(chunk)
                (sealing or file).write(chunk)
            if not size:
                raise BadRequestError("the file is empty")
            if sealing:
                sealing.close()
            file.flush()
            os.fsync(file.fileno())
        return size, digest.digest()

    def _enter(self, file: StoredFile) -> None:
        row = (file.id, file.owner, file.name, file.purpose, file.size, file.sha256, file.made)
        try:
            with self._database.writing() as connection:
                connection.execute("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        except StoreError:
            self.path(file).unlink(missing_ok=True)
            raise

    def _same(self, owner: str, name: str, purpose: str, digest: bytes) -> StoredFile | None:
        query = "SELECT * FROM file WHERE owner = ? AND name = ? AND purpose = ? AND sha256 = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (owner, name, purpose, digest)).fetchone()
        return _file(row) if row else None


def clean_name(name: str) -> str:
    """A name that documents can have: a relative path on one line, without steps upwards.

    Raises:
        BadRequestError: nothing is left of it, or it is too long.
    """
    name = " ".join(name.encode("utf-8", "replace").decode().replace("\\", "/").replace("\0", "").splitlines())
    steps = [step.strip() for step in name.split("/")]
    name = "/".join(step for step in steps if step not in ("", ".", ".."))
    if not name or len(name) > _LONGEST_NAME:
        raise BadRequestError("the file has no usable name", remedy=f"Give one of up to {_LONGEST_NAME} characters")
    return name


def _chunks(source: Readable) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def _file(row: Row) -> StoredFile:
    return StoredFile(row["id"], row["owner"], row["name"], row["purpose"], row["bytes"], row["sha256"], row["made"])
