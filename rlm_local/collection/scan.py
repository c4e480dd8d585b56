"""Which files of the sources there are, under which names; and which are left out, and why.

Folders are walked in the order of their names, each opened below the one before it. Hidden files and what .gitignore
files name are left out and counted. Links are followed inside the folder that was given only, and each place is read
once. What is no regular file is left out, and what a state directory holds: other people's uploads, and databases.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlm_local.collection.beneath import folder_below, open_below, open_root
from rlm_local.collection.errors import CollectionError
from rlm_local.collection.ignores import Rules, spec, verdict
from rlm_local.home import STATE_MARK

DEEPEST = 100
"""Folders in folders."""

_STATE = "part of rlm-local's own state"
_LARGEST_IGNORES = 1 << 20

_Ignores = tuple[tuple[int, Rules], ...]
"""The nearest first, each with the depth of the folder it stands in."""


@dataclass(frozen=True)
class Found:
    """A regular file.

    Attributes:
        path: its place on the disk, as one line of text.
        name: how it is called in the collection: its way from the folder that was given.
        root, steps: the folder it is opened below, and the way from there, as the system spells them.
    """

    path: str
    name: str
    size: int
    mtime_ns: int
    root: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Skipped:
    """What is not read, and why."""

    path: str
    reason: str


def printable(name: str) -> str:
    """A file's name as one line of text, whatever bytes it is; " > " stands for being inside a file."""
    plain = name.encode("utf-8", "replace").decode("utf-8").replace(" > ", " - ")
    return plain if plain.isprintable() else "".join(c if c.isprintable() else " " for c in plain)


@dataclass
class Scan:
    """Iterates over the files of `sources`; `skipped` is complete once the iteration is.

    Args:
        named: files under names that others gave them, such as uploads; these may lie in a state directory.

    Raises:
        CollectionError: a source is not there. Nothing is looked at then.
    """

    sources: Sequence[Path]
    named: Sequence[tuple[str, Path]] = ()
    skipped: list[Skipped] = field(default_factory=list[Skipped])

    def __post_init__(self) -> None:
        for path in (*self.sources, *(path for _, path in self.named)):
            if not os.path.lexists(path):
                raise CollectionError(f"{path} does not exist", remedy="Check the spelling of the path.")
        self._seen: set[tuple[int, int]] = set()
        self._names: set[str] = set()
        self._paths: set[str] = set()
        self._places: set[str] = set()
        self._states: dict[str, bool] = {}
        self._hidden = self._ignored = 0

    def __iter__(self) -> Iterator[Found]:
        for name, path in self.named:
            yield from self._single(path, printable(name), ours=True)
        for source in self.sources:
            real = Path(os.path.realpath(source))
            if real.is_dir():
                prefix = f"{printable(real.name)}/" if len(self.sources) + len(self.named) > 1 else ""
                yield from self._tree(real, prefix)
            else:
                yield from self._single(real, printable(source.name))
        if self._hidden:
            self.skipped.append(Skipped("hidden files", f"{self._hidden} hidden files and folders"))
        if self._ignored:
            self.skipped.append(Skipped(".gitignore", f"{self._ignored} files and folders that .gitignore names"))

    def _tree(self, root: Path, prefix: str) -> Iterator[Found]:
        try:
            descriptor = open_root(str(root))
        except OSError as error:
            self._skip(prefix.rstrip("/") or printable(str(root)), error)
            return
        try:
            yield from self._folder(_Root(root, descriptor), descriptor, (), prefix, ())
        finally:
            os.close(descriptor)

    def _folder(
        self, root: "_Root", here: int, steps: tuple[str, ...], prefix: str, ignores: _Ignores
    ) -> Iterator[Found]:
        name = prefix.rstrip("/") or printable(str(root.path))
        status = os.fstat(here)
        if (status.st_dev, status.st_ino) in self._seen:
            self.skipped.append(Skipped(name, "already read: a link leads here"))
            return
        self._seen.add((status.st_dev, status.st_ino))
        if self._is_state(_joined(root.path, steps)):
            self.skipped.append(Skipped(name, _STATE))
            return
        try:
            with os.scandir(here) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self._skip(name, error)
            return
        if any(entry.name == ".gitignore" for entry in entries):
            ignores = (*_own_ignores(here, len(steps)), *ignores)
        for entry in entries:
            if entry.name.startswith("."):
                self._hidden += 1
            else:
                yield from self._entry(root, here, entry, (*steps, entry.name), prefix, ignores)

    def _entry(
        self,
        root: "_Root",
        here: int,
        entry: "os.DirEntry[str]",
        steps: tuple[str, ...],
        prefix: str,
        ignores: _Ignores,
    ) -> Iterator[Found]:
        name = prefix + printable(entry.name)
        shown = steps
        if entry.is_symlink():
            target = self._inside(root, steps, name)
            if target is None:
                return
            steps = target
        try:
            if steps is shown:
                status = entry.stat(follow_symlinks=False)
            else:
                with folder_below(root.descriptor, steps[:-1]) as folder:
                    status = os.stat(steps[-1] if steps else ".", dir_fd=folder, follow_symlinks=False)
            is_folder = stat.S_ISDIR(status.st_mode)
            if ignores and _is_ignored(shown, is_folder, ignores):
                self._ignored += 1
            elif not is_folder:
                yield from self._file(status, root.path, steps, name)
            elif len(steps) > DEEPEST:
                self.skipped.append(Skipped(name, f"more than {DEEPEST} folders deep"))
            elif steps is shown:
                there = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
                try:
                    yield from self._folder(root, there, steps, f"{name}/", ignores)
                finally:
                    os.close(there)
            else:
                with folder_below(root.descriptor, steps) as there:
                    yield from self._folder(root, there, steps, f"{name}/", ignores)
        except OSError as error:
            self._skip(name, error)

    def _inside(self, root: "_Root", steps: tuple[str, ...], name: str) -> tuple[str, ...] | None:
        """The way below the root to what a link leads to; None, and said, where that is not inside."""
        try:
            target = root.path.joinpath(*steps).resolve(strict=True)
        except FileNotFoundError:
            self.skipped.append(Skipped(name, "a link to nothing"))
        except (OSError, RuntimeError):  # until 3.13 a loop is a RuntimeError
            self.skipped.append(Skipped(name, "a link in a loop"))
        else:
            if target.is_relative_to(root.path):
                return target.relative_to(root.path).parts
            self.skipped.append(Skipped(name, "a link that leads out of the folder"))
        return None

    def _single(self, real: Path, name: str, *, ours: bool = False) -> Iterator[Found]:
        try:
            status = real.lstat()
        except OSError as error:
            self._skip(name, error)
            return
        yield from self._file(status, real.parent, (real.name,), name, ours=ours)

    def _file(
        self, status: os.stat_result, root: Path, steps: tuple[str, ...], name: str, *, ours: bool = False
    ) -> Iterator[Found]:
        place = _joined(root, steps)
        if not stat.S_ISREG(status.st_mode):
            self.skipped.append(Skipped(name, "not a regular file"))
        elif not ours and self._is_state(place.rpartition("/")[0]):
            self.skipped.append(Skipped(name, _STATE))
        elif place not in self._places:
            self._places.add(place)
            shown = _unique(printable(place), self._paths)
            yield Found(shown, _unique(name, self._names), status.st_size, status.st_mtime_ns, str(root), steps)

    def _is_state(self, folder: str) -> bool:
        """Whether it is a state directory, or in one."""
        if folder not in self._states:
            marked = os.path.lexists(f"{folder}/{STATE_MARK}")
            self._states[folder] = marked or (folder != "" and self._is_state(folder.rpartition("/")[0]))
        return self._states[folder]

    def _skip(self, name: str, error: OSError) -> None:
        self.skipped.append(Skipped(name, f"cannot be read: {error.strerror or error}"))


@dataclass(frozen=True)
class _Root:
    path: Path
    descriptor: int


def _joined(root: Path, steps: tuple[str, ...]) -> str:
    """The path at `steps` below a folder; made of its parts alone, which is much faster where there are many files."""
    return "/".join((str(root).rstrip("/"), *steps))


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    taken.add(unique)
    return unique


def _own_ignores(folder: int, depth: int) -> _Ignores:
    try:
        descriptor = open_below(folder, (".gitignore",))
    except OSError:
        return ()
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ()
        lines = file.read(_LARGEST_IGNORES).decode("utf-8", "replace").splitlines()
    return ((depth, spec(lines)),)


def _is_ignored(steps: tuple[str, ...], is_folder: bool, ignores: _Ignores) -> bool:
    """What the nearest .gitignore that has a say says, as git does."""
    for depth, own in ignores:
        said = verdict(own, "/".join(steps[depth:]) + ("/" if is_folder else ""))
        if said is not None:
            return said
    return False
