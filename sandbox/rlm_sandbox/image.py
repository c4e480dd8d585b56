"""The image: Pyodide, booted, frozen and compiled for this machine. Built once, then mapped by every session.

    <directory>/sources/         Pyodide's three files, where they were fetched
    <directory>/<key>/           python.cwasm, trampoline.cwasm, python_stdlib.zip, guest modules, manifest.json

The key is a hash of everything the compiled code depends on. A folder appears by one rename when it is complete; what
is compiled is native code, so its hash is checked before any process maps it.
"""

import errno
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import wasmtime

from rlm_sandbox import exnref, native, snapshot
from rlm_sandbox.boot import boot, trampoline_of
from rlm_sandbox.errors import ImageError
from rlm_sandbox.fetch import GLUE, LIBRARY, SHA256, WASM, fetch
from rlm_sandbox.interpreter import Anchors
from rlm_sandbox.machine import Machine, Program, guest_files

Progress = Callable[[str, float | None], None]
"""Told what is being done, and how far along that is (0 to 1, None where unknown)."""

_COMPILED, _TRAMPOLINE, _MANIFEST = "python.cwasm", "trampoline.cwasm", "manifest.json"
_PACKAGE = Path(__file__).parent
_GUEST = _PACKAGE / "guest"
_BUILDERS = "boot deadline exnref image interpreter machine memory native nodes snapshot text tree vfs wasm".split()
_MOST_IMAGES = 3
_REMEDIES = {
    errno.ENOSPC: "no space is left; the image takes 120 MB: free some, or choose another directory",
    errno.EDQUOT: "the disk quota is used up; the image takes 120 MB: free some, or choose another directory",
    errno.EROFS: "the file system is read-only: choose another directory",
    errno.EACCES: "it may not be written: choose another directory, or change its owner",
    errno.EPERM: "it may not be written: choose another directory, or change its owner",
    errno.ENOTDIR: "it is no directory: choose another",
}


@dataclass(frozen=True)
class Image:
    """A verified image. `stamps` (inode, size, modification time in ns) tell whether a file is still what it was when
    its hash was checked."""

    folder: Path
    anchors: Anchors
    stamps: Mapping[str, tuple[int, int, int]]

    def read(self, name: str) -> bytes:
        self._check(name)
        return (self.folder / name).read_bytes()

    def program(self) -> Program:
        """The compiled modules, mapped. Raises ImageError where Wasmtime does not take them."""
        engine = native.engine()
        return Program(engine, self._map(engine, _COMPILED), self._map(engine, _TRAMPOLINE))

    def _map(self, engine: wasmtime.Engine, name: str) -> wasmtime.Module:
        self._check(name)
        try:
            return wasmtime.Module.deserialize_file(engine, str(self.folder / name))
        except wasmtime.WasmtimeError as error:
            raise ImageError(f"{self.folder / name} was compiled for another machine: {error}") from None

    def library(self) -> bytes:
        return self.read(LIBRARY)

    def modules(self) -> dict[str, bytes]:
        return {name: self.read(name) for name in self.stamps if name.endswith(".py")}

    def _check(self, name: str) -> None:
        if _stamp(self.folder / name) != tuple(self.stamps[name]):
            raise ImageError(f"{self.folder / name} has changed since it was checked")


def ensure_image(directory: Path, *, source: Path | None = None, progress: Progress | None = None) -> Image:
    """The image in `directory`, built where it is missing, damaged or for another machine (10 s, and 27 MB to fetch).

    Args:
        directory: made with mode 0700 where it does not exist; several processes may share it.
        source: the wheel of flet-web, or a folder with Pyodide's three files; without it pip fetches the wheel.
        progress: told about each stage.

    Raises:
        ImageError: with the remedy.
    """
    tell = progress or _silently
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
        if status.st_mode & 0o022 or status.st_uid not in (0, os.geteuid()):
            remedy = "remove it, or choose another directory"
            raise ImageError(f"others may write to {directory}, and what it holds is run: {remedy}")
        folder = directory / _key()
        if image := _load(folder):
            return image
        with _lock(directory, tell):
            return _load(folder) or _build(directory, folder, source, tell)
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0)
        if remedy is None:
            raise
        raise ImageError(f"the sandbox image cannot be kept in {directory}: {remedy}") from error


def _silently(_what: str, _fraction: float | None) -> None:
    pass


def _key() -> str:
    """What the compiled image depends on: Pyodide, the guest's modules, the code that builds, Wasmtime, the CPU."""
    from importlib.metadata import version  # it takes 20 ms that a worker, which imports this file, has no use for

    builders = [_PACKAGE / f"{name}.py" for name in _BUILDERS] + sorted((_PACKAGE / "imports").glob("*.py"))
    contents = {path.name: path.read_bytes() for path in builders} | _guest_modules()
    hashes = {name: _sha256(data) for name, data in contents.items()}
    parts = (SHA256, hashes, version("wasmtime"), platform.machine(), _cpu_features())
    return _sha256(json.dumps(parts, sort_keys=True).encode())[:32]


def _guest_modules() -> dict[str, bytes]:
    """The guest's own modules, by their path below where it looks for them."""
    return {path.relative_to(_GUEST).as_posix(): path.read_bytes() for path in sorted(_GUEST.rglob("*.py"))}


def _cpu_features() -> list[str]:
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return sorted(found[1].split()) if found else []


def _sha256(data: bytes | bytearray) -> str:
    return hashlib.sha256(data).hexdigest()


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _load(folder: Path) -> Image | None:
    """The image in the folder; None where there is none, or its bytes are not those that were built."""
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text())
        hashes: dict[str, str] = manifest["sha256"]
        stamps = {name: _stamp(folder / name) for name in hashes}
        if any(_sha256((folder / name).read_bytes()) != expected for name, expected in hashes.items()):
            return None
        return Image(folder, Anchors(**manifest["anchors"]), stamps)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _lock(directory: Path, tell: Progress) -> Generator[None]:
    with (directory / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waiting for another process that builds the sandbox image", None)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(directory: Path, folder: Path, source: Path | None, tell: Progress) -> Image:
    for leftover in [*directory.glob(".building-*"), folder]:
        shutil.rmtree(leftover, ignore_errors=True)
    store = directory / "sources"
    store.mkdir(mode=0o700, exist_ok=True)
    tell("fetching Pyodide", 0.0)
    sources = fetch(store, source)
    modules = _guest_modules()
    compiled, anchors, trampoline = native.start_on_large_stack(lambda: _make(sources, modules, tell)).result()
    files = {_COMPILED: compiled, _TRAMPOLINE: trampoline, LIBRARY: sources[LIBRARY], **modules}
    manifest = {"anchors": asdict(anchors), "sha256": {name: _sha256(data) for name, data in files.items()}}
    files[_MANIFEST] = json.dumps(manifest, indent=1).encode()
    work = Path(tempfile.mkdtemp(dir=directory, prefix=".building-"))
    try:
        for name, data in files.items():
            (work / name).parent.mkdir(exist_ok=True)
            with (work / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        work.replace(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    _prune(directory)
    image = _load(folder)
    if image is None:
        raise ImageError(f"the image just built does not read back from {folder}: is the disk failing?")
    tell("the sandbox image is ready", 1.0)
    return image


def _prune(directory: Path) -> None:
    """Remove all but the newest images: each change of version or machine leaves one behind."""
    images = sorted(directory.glob(f"*/{_MANIFEST}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for manifest in images[_MOST_IMAGES:]:
        shutil.rmtree(manifest.parent, ignore_errors=True)


def _make(
    sources: Mapping[str, bytes], modules: Mapping[str, bytes], tell: Progress
) -> tuple[bytearray, Anchors, bytearray]:
    """The compiled snapshot, the addresses in it, and the compiled trampoline."""
    tell("translating exceptions", 0.1)
    prepared = snapshot.prepare(exnref.translate(sources[WASM]))
    trampoline = trampoline_of(sources[GLUE].decode())
    tell("compiling for the boot", 0.2)
    engine = native.engine(optimize=False)
    program = Program(engine, wasmtime.Module(engine, prepared.module), wasmtime.Module(engine, trampoline))
    tell("booting Python", 0.5)
    frozen, anchors = _boot_and_freeze(program, prepared, sources[LIBRARY], modules)
    tell("compiling the snapshot", 0.6)
    engine = native.engine()
    return wasmtime.Module(engine, frozen).serialize(), anchors, wasmtime.Module(engine, trampoline).serialize()


def _boot_and_freeze(
    program: Program, prepared: snapshot.Prepared, library: bytes, modules: Mapping[str, bytes]
) -> tuple[bytes, Anchors]:
    output = bytearray()

    def no_answer(_argument: int) -> int:
        raise ImageError("a guest module calls the host while the image is built")

    files = guest_files(library, modules, most_bytes=0)
    machine = Machine(program, files, output.extend, no_answer)
    try:
        anchors = boot(machine)
        state = {index: machine.exports.value(name) for index, name in prepared.mutable_globals.items()}
        return snapshot.freeze(prepared.module, machine.memory.view(0, machine.memory.size), state), anchors
    except (RuntimeError, wasmtime.Trap, wasmtime.WasmtimeError) as error:
        raise ImageError(f"Python does not boot: {error}\n{output.decode(errors='replace')}") from error
    finally:
        machine.close()
