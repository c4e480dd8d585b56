"""Which library of llama.cpp a machine is to have: the first of several that a trial has seen work on it."""

import ctypes
import importlib.util
import os
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rlm_local.errors import UsageError
from rlm_local.models.errors import LibraryError
from rlm_local.models.native.compiled import compiled, ensure_compiled
from rlm_local.models.native.library import Library
from rlm_local.models.native.npm import pack
from rlm_local.models.native.packages import Pack, Package, ensure_package, intact, package_for, package_of
from rlm_local.models.native.trial import Verdict, attempt
from rlm_local.models.native.verdicts import Verdicts
from rlm_local.models.sources import Report

VARIABLE = "LLAMA_CPP_LIB_PATH"
"""The environment variable that names a folder with the library; llama-cpp-python has it, too."""

COMPILE = "compile"
BACKENDS = ("cpu", "cuda", "vulkan", COMPILE)

_SYSTEM = {"cuda": ("libcuda.so.1", "libcudart.so.13", "libcublas.so.13"), "vulkan": ("libvulkan.so.1",)}
"""What the builds for GPUs need of the system."""

Notice = Callable[[str], None]
"""Told a line that a person should see."""

_Source = Callable[[], Library]

_REMEDY = (
    "Install a C++ compiler and run `rlm-local setup --backend compile`, or name a folder with another build in "
    "`rlm-local setup --backend PATH`"
)


class NoLibraryError(LibraryError):
    """There is none yet; set-up fetches it."""


def silent(_what: str, _share: float | None = None) -> None:
    """Told, and says nothing."""


@dataclass(frozen=True)
class Setup:
    """Finds a library that works, fetches what it needs, and remembers.

    Attributes:
        directory: where all of it is kept: fetched and compiled libraries, what trials found, what was asked for.
        report: told what is being fetched, compiled or tried.
        notice: told when the best way did not work, and which one is taken.
        attempt: tries a library.
        compile: makes one in a directory.
        pack: fetches a package's archive.
        environment: of this process.
        brought: where llama-cpp-python has a library of its own, if it was installed with one.
    """

    directory: Path
    report: Report = silent
    notice: Notice = silent
    attempt: Callable[[Library], Verdict] = attempt
    compile: Callable[[Path, Report], Library] = ensure_compiled
    pack: Pack = pack
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    brought: Path = field(default_factory=lambda: _brought())

    def choose(self, *, anew: bool = False) -> Library:
        """The library to use. What a trial found before holds as long as nothing that it depends on has changed.

        Args:
            anew: try, whatever was found before.

        Raises:
            LibraryError: none works; with what became of each.
        """

        def judge(library: Library) -> Verdict:
            verdict = None if anew else self._verdicts.get(library)
            if verdict is None:
                self.report(f"trying llama.cpp: {library}", None)
                verdict = self.attempt(library)
                self._verdicts.put(library, verdict)
            return verdict

        with self._alone():
            return _first(self._sources(fetch=True), judge, self.notice)

    def look(self, *, anew: bool = True) -> tuple[Library, Verdict]:
        """What would be used of what is here; nothing is fetched, written or waited for.

        Args:
            anew: try; else what trials found before is all that is known.

        Raises:
            NoLibraryError: nothing is here.
            LibraryError: nothing of what is here works.
        """
        found: dict[Library, Verdict] = {}

        def judge(library: Library) -> Verdict:
            known = self.attempt(library) if anew else self._verdicts.get(library)
            return found.setdefault(library, known or Verdict("was not tried yet"))

        chosen = _first(self._sources(fetch=False), judge, silent)
        return chosen, found[chosen]

    def ask_for(self, backend: str | None) -> None:
        """Remember what to use from now on: one of BACKENDS, a folder or a package's archive; None for the best.

        Raises:
            UsageError: it is none of these.
        """
        if backend is None:
            self._asked.unlink(missing_ok=True)
            return
        if backend not in BACKENDS:
            path = Path(backend).expanduser()
            if not path.exists():
                remedy = f"Give {', '.join(BACKENDS)}, a folder, or the archive of a package"
                raise UsageError(f"there is no backend or path {backend}", remedy=remedy)
            backend = str(path.resolve())
        elif backend != COMPILE and package_for(backend) is None:
            raise UsageError(
                f"there is no build of llama.cpp for {backend} here", remedy=f"Give {COMPILE}, or a folder"
            )
        self._asked.write_text(backend)

    @property
    def _verdicts(self) -> Verdicts:
        return Verdicts(self.directory / "trials.json")

    @property
    def _asked(self) -> Path:
        return self.directory / "asked"

    def _sources(self, *, fetch: bool) -> Iterator[_Source]:
        """What may give a library, the best first."""
        asked = self._asked.read_text() if self._asked.is_file() else ""
        if named := self.environment.get(VARIABLE):
            yield lambda: Library(Path(named), f"the folder that {VARIABLE} names")
        elif asked and asked not in BACKENDS:
            yield partial(self._given, Path(asked), fetch=fetch)
        else:
            if asked == COMPILE:
                yield partial(self._compiled, fetch=fetch)
            if asked in ("", COMPILE) and self.brought.is_dir():
                yield lambda: Library(self.brought, "llama-cpp-python's own library")
            backends = (*((asked,) if asked else _for_devices()), "cpu")
            for package in filter(None, map(package_for, dict.fromkeys(backends))):
                yield partial(self._package, package, fetch=fetch)
            if asked != COMPILE:
                yield partial(self._compiled, fetch=fetch)

    def _given(self, path: Path, *, fetch: bool) -> Library:
        """A folder that a person named, or a package's archive."""
        if path.is_dir():
            return Library(path, str(path))
        package = package_of(path)
        return self._package(package, fetch=fetch, archive=path)

    def _package(self, package: Package, *, fetch: bool, archive: Path | None = None) -> Library:
        if fetch:
            self._discard_damaged(package.library(self.directory))
            return ensure_package(package, self.directory, self.report, archive=archive, pack=self.pack)
        return _here(package.library(self.directory))

    def _discard_damaged(self, library: Library) -> None:
        """Remove a fetched library whose files have changed, so that it is fetched again."""
        if library.folder.is_dir() and self._verdicts.get(library) is None and not intact(library.folder):
            self.notice(f"llama.cpp: {library} was damaged on the disk, and is fetched again")
            shutil.rmtree(library.folder)

    def _compiled(self, *, fetch: bool) -> Library:
        return self.compile(self.directory, self.report) if fetch else _here(compiled(self.directory))

    @contextmanager
    def _alone(self) -> Generator[None]:
        """One process at a time fetches and tries."""
        import fcntl  # not on Windows, where help and doctor start all the same

        with (self.directory / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.report("waiting for another process that sets llama.cpp up", None)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _first(sources: Iterator[_Source], judge: Callable[[Library], Verdict], notice: Notice) -> Library:
    """The first library, in the first way of using it, that works."""
    failures: list[str] = []
    missing = 0
    for source in sources:
        try:
            library = source()
        except NoLibraryError:
            missing += 1
            continue
        except LibraryError as error:
            failures.append(error.message)
            continue
        for use in library.uses:
            verdict = judge(use)
            if verdict.works:
                if failures:
                    notice(f"llama.cpp: {'; '.join(failures)}; {use} works and is used")
                return use
            built = f" (built for {verdict.variant})" if verdict.variant and not use.variant else ""
            failures.append(f"{use}{built} {verdict.reason}")
            if verdict.refused:
                break
    if missing and not failures:
        raise NoLibraryError("llama.cpp's library is not here", remedy="The first run fetches it")
    raise LibraryError(f"no llama.cpp works on this machine: {'; '.join(failures)}", remedy=_REMEDY)


def _here(library: Library) -> Library:
    if not library.folder.is_dir():
        raise NoLibraryError(f"{library} is not here")
    return library


def _for_devices() -> list[str]:
    """Backends for whose GPUs the system has a driver and what their builds need beside it."""
    return [backend for backend, names in _SYSTEM.items() if all(map(_loads, names))]


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _brought() -> Path:
    """Where llama-cpp-python has a library, if it was installed with one."""
    spec = importlib.util.find_spec("llama_cpp")
    return Path((spec and spec.origin) or "").parent / "lib"
