"""Key: 32 bytes that seal values, files and SQLite databases, each with a key derived from them.

AES-256-GCM seals values and files; databases are sealed a page at a time by SQLite3 Multiple Ciphers (AEGIS-256).
Whatever was changed is not opened.
"""

import os
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import cached_property
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, BinaryIO, cast

from rlm_local.vault.errors import VaultError

if TYPE_CHECKING:  # it takes its time to import, and what is not sealed does not need it
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SIZE = 32
_VALUE, _FILE = b"rlmseal0", b"rlmseal1"
_NONCE = 12
_SALT = 16
_TAG = 16
_HEAD = len(_FILE) + _SALT
_PIECE = 1 << 16
"""Bytes of a file that are sealed together, so that any part of it can be read by itself."""


@dataclass(frozen=True)
class Key:
    """What seals and opens. Two are equal if their secrets are."""

    secret: bytes = field(repr=False)

    @classmethod
    def made(cls) -> "Key":
        """A new one, at random."""
        return cls(secrets.token_bytes(SIZE))

    def __reduce__(self) -> tuple[type["Key"], tuple[bytes]]:
        """What another process is told of it: not the ciphers that were made here."""
        return Key, (self.secret,)

    @cached_property
    def sqlite(self) -> str:
        """Statements that a connection to a sealed database begins with."""
        return f"PRAGMA cipher = 'aegis'; PRAGMA key = 'raw:{self._derived(b'sqlite').hex()}'"

    @cached_property
    def resealing(self) -> str:
        """Statements that seal the database of a connection with this key, whatever it was sealed with."""
        return self.sqlite.replace("PRAGMA key", "PRAGMA rekey")

    def seal(self, value: bytes | memoryview) -> bytes:
        """A value, sealed: 36 bytes longer."""
        nonce = os.urandom(_NONCE)
        return b"".join((_VALUE, nonce, self._values.encrypt(nonce, value, _VALUE)))

    def open(self, sealed: bytes | memoryview) -> bytes:
        """What was sealed.

        Raises:
            VaultError: it was sealed with another key, or is damaged.
        """
        if bytes(sealed[: len(_VALUE)]) != _VALUE:  # a file's mark differs from it by one bit
            raise _damaged("this is not sealed")
        nonce, content = bytes(sealed[len(_VALUE) : len(_VALUE) + _NONCE]), sealed[len(_VALUE) + _NONCE :]
        return _opened(self._values, nonce, content, _VALUE)

    def seal_line(self, line: bytes) -> bytes:
        """A line of a file that grows by lines, sealed: a line of base64."""
        return b64encode(self.seal(line)) + b"\n"

    def open_line(self, line: bytes) -> bytes:
        """What was sealed; what was not, as it stands."""
        try:
            return self.open(b64decode(line.rstrip(b"\n"), validate=True))
        except (ValueError, VaultError):
            return line

    def seal_file(self, content: bytes, file: BinaryIO) -> None:
        """Writes a sealed file of this content."""
        writer = self.writer(file)
        writer.write(content)
        writer.close()

    def writer(self, file: BinaryIO) -> "SealedWriter":
        """What writes a sealed file into one that is open for writing, at its start."""
        salt = secrets.token_bytes(_SALT)
        file.write(_FILE + salt)
        return SealedWriter(file, self._of_file(salt))

    def reader(self, file: BinaryIO) -> BufferedReader:
        """The content of a sealed file, which can be sought; it is opened a piece at a time, as it is read.

        Raises:
            VaultError: at once or while reading: as `open`.
        """
        file.seek(0)
        head = file.read(_HEAD)
        if len(head) < _HEAD or not head.startswith(_FILE):
            raise _damaged("this is not sealed")
        return BufferedReader(_Content(file, self._of_file(head[len(_FILE) :])), _PIECE)

    @cached_property
    def _values(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._derived(b"values"))

    def _of_file(self, salt: bytes) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._derived(b"file", salt))

    def _derived(self, purpose: bytes, salt: bytes | None = None) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(algorithm=SHA256(), length=SIZE, salt=salt, info=b"rlm-local " + purpose).derive(self.secret)


def is_sealed(head: bytes | memoryview) -> bool:
    """Whether a value or a file that begins so was sealed by a key."""
    return bytes(head[: len(_FILE)]) in (_VALUE, _FILE)


class SealedWriter:
    """Writes a sealed file; only `close` makes it whole. The file itself stays open."""

    def __init__(self, file: BinaryIO, cipher: "AESGCM") -> None:
        self._file, self._cipher = file, cipher
        self._waiting = bytearray()
        self._pieces = 0

    def write(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) > _PIECE:  # the last piece is told from the others, so one is kept back
            self._put(self._waiting[:_PIECE], last=False)
            del self._waiting[:_PIECE]

    def close(self) -> None:
        self._put(self._waiting, last=True)

    def _put(self, piece: bytearray, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._pieces), bytes(piece), _mark(last=last)))
        self._pieces += 1


class _Content(RawIOBase):
    """The content of a sealed file, at any place."""

    def __init__(self, file: BinaryIO, cipher: "AESGCM") -> None:
        super().__init__()
        self._file, self._cipher = file, cipher
        body = file.seek(0, os.SEEK_END) - _HEAD
        self._pieces = -(-body // (_PIECE + _TAG))
        self._size = body - _TAG * self._pieces
        self._at = 0
        if self._size < 0:
            raise _damaged("a sealed file is cut short")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object, /) -> int:
        with memoryview(cast("bytearray", buffer)).cast("B") as window:
            if self._at >= self._size or not window:
                return 0
            number, inside = divmod(self._at, _PIECE)
            piece = self._piece(number)[inside : inside + len(window)]
            window[: len(piece)] = piece
            self._at += len(piece)
            return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _piece(self, number: int) -> bytes:
        self._file.seek(_HEAD + number * (_PIECE + _TAG))
        sealed = self._file.read(_PIECE + _TAG)
        return _opened(self._cipher, _nonce(number), sealed, _mark(last=number == self._pieces - 1))


def _nonce(piece: int) -> bytes:
    """Every file has a key of its own, so a piece's number is used once with it."""
    return piece.to_bytes(_NONCE, "big")


def _mark(*, last: bool) -> bytes:
    """What is sealed with a piece: a file that was cut at one does not end as it did."""
    return _FILE + b"." if last else _FILE


def _opened(cipher: "AESGCM", nonce: bytes, sealed: bytes | memoryview, mark: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, sealed, mark)
    except (InvalidTag, ValueError):
        raise _damaged("something sealed was changed, or sealed with another key") from None


def _damaged(what: str) -> VaultError:
    return VaultError(what, remedy="Restore it from a copy, or delete it")
