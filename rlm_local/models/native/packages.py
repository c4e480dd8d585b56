"""Builds of llama.cpp that others have made, as packages of the npm registry, and how one becomes a folder here.

They are those of node-llama-cpp (MIT), for llama.cpp 0.5.0. Only the shared objects are taken out of the archive.
"""

import hashlib
import json
import platform
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rlm_local.models.errors import LibraryError
from rlm_local.models.native.library import Library
from rlm_local.models.native.npm import pack
from rlm_local.models.sources import Report

_VERSION = "3.22.1"
_NEEDLESS = ("libllama-common",)
_SUMS = "sha256.json"
"""Of what was unpacked, in its folder."""

_OWN_NAME = "libllama."
"""In the archive the version, and the backend, stand in the name: libllama.cuda.v0.5.0.so."""

Pack = Callable[[str, Path, Report], Path]


@dataclass(frozen=True)
class Package:
    """A build: for which backend and machine, its size as it is fetched in bytes, and its archive's sha256."""

    backend: str
    machine: tuple[str, str]
    name: str
    bytes: int
    sha256: str

    @property
    def requirement(self) -> str:
        return f"@node-llama-cpp/{self.name}@{_VERSION}"

    def library(self, directory: Path) -> Library:
        """What it is once it is unpacked; the hash in the folder's name makes another version's another."""
        folder = directory / f"{self.name}-{self.sha256[:12]}"
        return Library(folder, self.requirement, for_device=self.backend != "cpu")


_X64, _ARM64 = ("linux", "x86_64"), ("linux", "aarch64")
PACKAGES = (
    Package(
        backend="cpu",
        machine=_X64,
        name="linux-x64",
        bytes=10_824_547,
        sha256="0d953e1503d5ab4608d8ed5b739132308c81ac05ffeb760d2a7f30e08a9f90e0",
    ),
    Package(
        backend="cuda",
        machine=_X64,
        name="linux-x64-cuda",
        bytes=142_898_030,
        sha256="d6cd3ff39a43b024816952e0bc6452d6711608d26256ff6eb0fe8cf7ff55bb2c",
    ),
    Package(
        backend="vulkan",
        machine=_X64,
        name="linux-x64-vulkan",
        bytes=24_311_427,
        sha256="e10577190fc4bd1649d3b655588e5c7a85fc6b6dbf7136fee596cbe9e25521e7",
    ),
    Package(
        backend="cpu",
        machine=_ARM64,
        name="linux-arm64",
        bytes=7_340_902,
        sha256="39c76b998e35ed2f236c01472fc79eda0fc558b1c8b535023c2d7ded8c327cc4",
    ),
)
"""All on glibc 2.34 or later."""


def package_for(backend: str) -> Package | None:
    """The build of a backend for this machine, where there is one."""
    here = (sys.platform, platform.machine())
    return next((each for each in PACKAGES if each.backend == backend and each.machine == here), None)


def package_of(archive: Path) -> Package:
    """Which of the packages an archive is.

    Raises:
        LibraryError: none of them.
    """
    found = _sha256(archive)
    for package in PACKAGES:
        if package.sha256 == found:
            return package
    names = ", ".join(package.requirement for package in PACKAGES)
    raise LibraryError(f"{archive} is none of {names}: its sha256 is {found}", remedy="Give one of these, or a folder")


def ensure_package(
    package: Package, directory: Path, report: Report, *, archive: Path | None = None, pack: Pack = pack
) -> Library:
    """The library of a build, fetched and unpacked into the directory if it is not there.

    Args:
        archive: the package's tarball, where it is at hand.
        pack: fetches the tarball.

    Raises:
        LibraryError: it cannot be fetched or written, or is not what is pinned.
    """
    library = package.library(directory)
    try:
        if not library.folder.is_dir():
            with tempfile.TemporaryDirectory(dir=directory, prefix=".fetching-") as name:
                found = archive or pack(package.requirement, Path(name), report)
                _unpack(package, found, Path(name) / "unpacked")
                (Path(name) / "unpacked").rename(library.folder)
    except OSError as error:
        if not library.folder.is_dir():  # else another process was faster
            raise LibraryError(
                f"llama.cpp's library cannot be written to {directory}: {error.strerror or error}",
                remedy="Make room there (100 MB), or set RLM_LOCAL_HOME to a directory on another disk",
            ) from error
    return library


def intact(folder: Path) -> bool:
    """Whether a package's files are those that were unpacked, as far as their hashes were noted then."""
    try:
        sums: dict[str, str] = json.loads((folder / _SUMS).read_text())
        return all(_sha256(folder / name) == digest for name, digest in sums.items())
    except FileNotFoundError:
        return not (folder / _SUMS).exists()
    except (OSError, ValueError, AttributeError):
        return False


def _unpack(package: Package, archive: Path, target: Path) -> None:
    """The shared objects of the archive, once its hash is the pinned one."""
    found = _sha256(archive)
    if found != package.sha256:
        raise LibraryError(
            f"{archive.name} is not {package.requirement}: its sha256 is {found}, not {package.sha256}",
            remedy="Check the registry that npm is set to",
        )
    target.mkdir(mode=0o700)
    with tarfile.open(archive, "r:gz") as members:
        for member in members:
            name = PurePosixPath(member.name).name
            source = members.extractfile(member) if name.endswith(".so") else None
            if source is None or name.startswith(_NEEDLESS):
                continue
            with source, (target / (f"{_OWN_NAME}so" if name.startswith(_OWN_NAME) else name)).open("wb") as copy:
                shutil.copyfileobj(source, copy)
    (target / _SUMS).write_text(json.dumps({path.name: _sha256(path) for path in target.iterdir()}))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
