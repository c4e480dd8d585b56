"""Shelf: the KV of fixed prompts on disk, so that the next start loads what this one evaluated."""

import hashlib
import math
import mmap
import os
import struct
import tempfile
import time
import zlib
from itertools import accumulate
from pathlib import Path

from rlm_local.models.kv import Tokens
from rlm_local.models.verified import known_sha256
from rlm_local.vault import Key
from rlm_local.vault.errors import VaultError

_SUM = struct.Struct("<I")
"""CRC-32: the directory is its owner's alone, so it is damage that has to be noticed, and soon."""

_MOST_BYTES = 1 << 30  # a thousand tokens are some 28 MB for a model of 1.5B; the least recently used go

_LONGEST_SAVE = 3600.0  # seconds


class Shelf:
    """Files of KV, each named by what it depends on and led by a checksum of its content.

    Args:
        directory: where they are; made if missing, for the owner only.
        identity: what the KV depends on beside the tokens: the weights and the library.
        most_bytes: what the files may take together; the newest stays in any case.
        key: what each is sealed with, if they are.
    """

    def __init__(
        self, directory: Path, identity: bytes, *, most_bytes: int = _MOST_BYTES, key: Key | None = None
    ) -> None:
        self._key = key
        self._directory = directory
        self._identity = identity
        self._most_bytes = most_bytes

    def load(self, tokens: Tokens, space: bytes = b"") -> memoryview | None:
        """The KV of these tokens under the adapters that `space` stands for; None if it is not there or not intact."""
        path = self._path(tokens, space)
        try:
            with path.open("rb") as file:
                content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))  # read, it would be copied
            if self._key is not None:
                content = memoryview(self._key.open(content))
            os.utime(path)
        except (OSError, ValueError, VaultError):  # mmap says ValueError of an empty file
            return None
        state = content[_SUM.size :]
        return state if bytes(content[: _SUM.size]) == _SUM.pack(zlib.crc32(state)) else None

    def save(self, tokens: Tokens, state: bytes, space: bytes = b"") -> None:
        """Put KV on the shelf, whole or not at all. A full or read-only disk costs only the next start's time."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._directory, suffix=".tmp")
        except OSError:
            return
        try:
            with os.fdopen(descriptor, "wb") as file:
                if self._key is None:
                    file.write(_SUM.pack(zlib.crc32(state)))
                    file.write(state)
                else:
                    file.write(self._key.seal(_SUM.pack(zlib.crc32(state)) + state))
            Path(name).replace(self._path(tokens, space))
            self._prune()
        except OSError:
            Path(name).unlink(missing_ok=True)

    def _path(self, tokens: Tokens, space: bytes) -> Path:
        key = hashlib.sha256(self._identity + space + tokens.tobytes())  # a space is empty, or sets of 40 bytes
        return self._directory / f"{key.hexdigest()[:40]}.kv"

    def _prune(self) -> None:
        for left in self._directory.glob("*.tmp"):  # of a process that was killed
            if time.time() - left.stat().st_mtime > _LONGEST_SAVE:
                left.unlink(missing_ok=True)
        files = sorted(self._directory.glob("*.kv"), key=lambda path: path.stat().st_mtime, reverse=True)
        sizes = accumulate(path.stat().st_size for path in files)
        for path, total in zip(files[1:], list(sizes)[1:], strict=True):
            if total > self._most_bytes:
                path.unlink(missing_ok=True)


def clear_shelf(directory: Path, before: float = math.inf) -> int:
    """Deletes the KV that was last used before a moment, in seconds since 1970. Returns how many files they were.

    Raises:
        OSError: one cannot be deleted.
    """
    gone = [path for path in directory.glob("*.kv") if path.stat().st_mtime < before]
    for path in (*gone, *directory.glob("*.tmp")):
        path.unlink(missing_ok=True)
    return len(gone)


def identify(path: Path, library: str) -> bytes:
    """What tells these weights under this library from others, without reading a gigabyte.

    The hash of weights that were fetched is known. Of others, a file that was written anew is another one.
    """
    state = path.stat()
    known = known_sha256(path) or f"{state.st_dev}:{state.st_ino}:{state.st_size}:{state.st_mtime_ns}"
    return hashlib.sha256(f"{library} {known}".encode()).digest()
