"""Files of folders: which are read, in which order, under which names; and which are not, and why.

Folders are read recursively in the order of their names. Hidden files and what .gitignore files name are left out and
counted. Symbolic links are followed inside the root only, and each place is read once. What is no regular file is never
opened, nor is what a state directory holds: other people's uploads, and files of SQLite, whose locks would be given up.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from rlm_local.corpus.document import Skipped
from rlm_local.corpus.errors import PathMissingError
from rlm_local.home import STATE_MARK

LARGEST = 256 * 2**20
"""Bytes that a file may have."""

_STATE = "part of rlm-local's own state"

_Ignores = tuple[tuple[Path, GitIgnoreSpec], ...]


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
        for path in self.paths:
            if not os.path.lexists(path):
                raise PathMissingError(f"{path} does not exist", remedy="Check the spelling of the path.")
        self._seen: set[Path] = set()
        self._names: set[str] = set()
        self._states: dict[Path, bool] = {}
        self._hidden = self._ignored = 0

    def __iter__(self) -> Iterator[File]:
        for root in self.paths:
            if root.is_dir():
                prefix = f"{root.resolve().name}/" if len(self.paths) > 1 else ""
                yield from self._folder(root, root.resolve(), prefix, ())
            else:
                yield from self._file(root, _printable(root.name))
        if self._hidden:
            self.skipped.append(Skipped("hidden files", f"{self._hidden} hidden files and folders"))
        if self._ignored:
            self.skipped.append(Skipped(".gitignore", f"{self._ignored} files and folders that .gitignore names"))

    def _folder(self, folder: Path, root: Path, prefix: str, ignores: _Ignores) -> Iterator[File]:
        place = folder.resolve()
        if place in self._seen:
            self.skipped.append(Skipped(prefix.rstrip("/") or str(folder), "already read: a link leads here"))
            return
        self._seen.add(place)
        if self._is_state(place):
            self.skipped.append(Skipped(prefix.rstrip("/") or str(folder), _STATE))
            return
        try:
            entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
        except OSError as error:
            self.skipped.append(Skipped(prefix.rstrip("/") or str(folder), f"cannot be read: {error.strerror}"))
            return
        ignores = (*_own_ignores(folder), *ignores)
        for entry in entries:
            name = prefix + _printable(entry.name)
            if entry.name.startswith("."):
                self._hidden += 1
            elif entry.is_symlink() and not self._leads_inside(entry, root, name):
                continue
            elif _is_ignored(entry, ignores):
                self._ignored += 1
            elif entry.is_dir():
                yield from self._folder(entry, root, name + "/", ignores)
            else:
                yield from self._file(entry, name)

    def _leads_inside(self, link: Path, root: Path, name: str) -> bool:
        try:
            target = link.resolve(strict=True)
        except FileNotFoundError:
            self.skipped.append(Skipped(name, "a link to nothing"))
        except (OSError, RuntimeError):  # until 3.13 a loop is a RuntimeError
            self.skipped.append(Skipped(name, "a link in a loop"))
        else:
            if target.is_relative_to(root):
                return True
            self.skipped.append(Skipped(name, "a link that leads out of the folder"))
        return False

    def _file(self, path: Path, name: str) -> Iterator[File]:
        try:
            place = path.resolve(strict=True)
            if place in self._seen:
                return
            self._seen.add(place)
            data = _STATE if self._is_state(place.parent) else _read(place)
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.skipped.append(Skipped(name, f"cannot be read: {reason}"))
            return
        if isinstance(data, str):
            self.skipped.append(Skipped(name, data))
            return
        yield File(self._unique(name), data)

    def _is_state(self, folder: Path) -> bool:
        """Whether it is a state directory, or in one."""
        if folder not in self._states:
            marked = os.path.lexists(folder / STATE_MARK)
            self._states[folder] = marked or (folder != folder.parent and self._is_state(folder.parent))
        return self._states[folder]

    def _unique(self, name: str) -> str:
        number, unique = 1, name
        while unique in self._names:
            number += 1
            unique = f"{name} ({number})"
        self._names.add(unique)
        return unique


def _printable(name: str) -> str:
    """A file's name as one line of text, whatever bytes it is."""
    return " ".join(name.encode("utf-8", "replace").decode("utf-8").splitlines())


def _read(path: Path) -> bytes | str:
    """A regular file's bytes, or why it is not read. A file that is swapped for a pipe meanwhile does not block."""
    if not stat.S_ISREG(path.stat().st_mode):
        return "not a regular file"
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if status.st_size > LARGEST:
            return f"too large: {status.st_size / 2**20:.0f} MB, at most {LARGEST / 2**20:.0f} MB are read; split it"
        data = file.read(LARGEST + 1)
    return data if data else "empty"


def _own_ignores(folder: Path) -> _Ignores:
    path = folder / ".gitignore"
    try:
        data = _read(path)
    except OSError:
        return ()
    return (
        ((folder, GitIgnoreSpec.from_lines(data.decode("utf-8", "replace").splitlines())),)
        if isinstance(data, bytes)
        else ()
    )


def _is_ignored(entry: Path, ignores: _Ignores) -> bool:
    """What the nearest .gitignore that has a say says, as git does."""
    for folder, spec in ignores:
        verdict = spec.check_file(entry.relative_to(folder).as_posix() + ("/" if entry.is_dir() else "")).include
        if verdict is not None:
            return verdict
    return False
