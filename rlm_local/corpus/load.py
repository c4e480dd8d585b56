"""The bytes of the files that a scan finds, each opened below the folder that was given, following no link.

Which files these are, and why others are not, says `rlm_local.collection.scan`.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlm_local.collection.beneath import open_below, open_root
from rlm_local.collection.errors import CollectionError
from rlm_local.collection.scan import Found, Scan, Skipped
from rlm_local.corpus.errors import PathMissingError

LARGEST = 256 * 2**20
"""Bytes that a file may have."""


@dataclass(frozen=True)
class File:
    """A file as found: its name in the corpus, unique, and its bytes; or its text, where it was never encoded."""

    name: str
    data: bytes | str


@dataclass
class Files:
    """Iterates over the files of `paths`; `skipped` is complete once the iteration is.

    Raises:
        PathMissingError: a path that was given does not exist. Nothing is read then.
    """

    paths: Sequence[Path]
    skipped: list[Skipped] = field(default_factory=list[Skipped])

    def __post_init__(self) -> None:
        try:
            self._scan = Scan(self.paths)
        except CollectionError as error:
            raise PathMissingError(error.message, remedy=error.remedy) from error

    def __iter__(self) -> Iterator[File]:
        for found in self._scan:
            try:
                data = _read(found)
            except OSError as error:
                data = f"cannot be read: {error.strerror or error}"
            if isinstance(data, str):
                self.skipped.append(Skipped(found.name, data))
            else:
                yield File(found.name, data)
        self.skipped += self._scan.skipped


def _read(found: Found) -> bytes | str:
    """A regular file's bytes, or why it is not read. What was swapped in since it was found is not followed."""
    root = open_root(found.root)
    try:
        descriptor = open_below(root, found.steps)
    finally:
        os.close(root)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if status.st_size > LARGEST:
            return f"too large: {status.st_size / 2**20:.0f} MB, at most {LARGEST / 2**20:.0f} MB are read; split it"
        data = file.read(LARGEST + 1)
    return data if data else "empty"
