"""llama.cpp compiled on this machine, where nothing prebuilt fits: by pip, from llama-cpp-python's source."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from rlm_local.models.errors import LibraryError
from rlm_local.models.native.library import Library
from rlm_local.models.sources import Report

REQUIREMENT = "llama-cpp-python==0.3.36"

_NO_AMX = "-mno-amx-int8"
"""GCC's `_tile_loadconfig` says that it reads 8 bytes of 64; what is stored in the others is dropped, and the next
instruction is illegal. Without AMX the code is not there: ggml-org/llama.cpp pull request 26954."""

_NO_PICTURES = "-DLLAVA_BUILD=OFF"
"""The library for models that see pictures is a quarter of the files to compile, and nothing here uses it."""

Run = Callable[[Sequence[str], Mapping[str, str]], "subprocess.CompletedProcess[str]"]


def _run(command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - pip, on one requirement
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def compiler() -> str | None:
    """The C++ compiler that CMake would find; None without one."""
    names = filter(None, (os.environ.get("CXX"), "c++", "g++", "clang++", "cl"))
    return next((path for name in names if (path := shutil.which(name))), None)


def compiled(directory: Path) -> Library:
    """What the library is once it is compiled."""
    return Library(directory / "compiled", "the library compiled here")


def ensure_compiled(directory: Path, report: Report, run: Run = _run) -> Library:
    """The library compiled for this processor, in the directory; ten minutes on two cores where it is not there yet.

    `CMAKE_ARGS` in the environment says what else it is to have, such as `-DGGML_CUDA=on`.

    Raises:
        LibraryError: it does not compile, or there is no compiler.
    """
    library = compiled(directory)
    if not library.folder.is_dir():
        if compiler() is None:
            raise LibraryError(
                "llama.cpp cannot be compiled: there is no C++ compiler",
                remedy="Install one (Debian: `apt install g++`)",
            )
        report("compiling llama.cpp for this processor: 4 to 10 minutes", None)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".compiling-") as name:
            _unpack(_wheel(Path(name), run), Path(name) / "unpacked")
            (Path(name) / "unpacked").replace(library.folder)
    return library


def _wheel(directory: Path, run: Run) -> Path:
    environment = {key: value for key, value in os.environ.items() if key != "SKBUILD_WHEEL_CMAKE"}
    environment["CMAKE_ARGS"] = f"{_NO_PICTURES} {environment.get('CMAKE_ARGS', '')}".strip()
    if platform.machine() in ("x86_64", "AMD64") and sys.platform != "win32":
        for name in ("CFLAGS", "CXXFLAGS"):
            environment[name] = f"{environment.get(name, '')} {_NO_AMX}".strip()
    options = [
        "--no-deps",
        "--no-cache-dir",
        "--no-binary=llama-cpp-python",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command = [sys.executable, "-m", "pip", "wheel", *options, f"--wheel-dir={directory}", REQUIREMENT]
    done = run(command, environment)
    found = list(directory.glob("*.whl"))
    if done.returncode or not found:
        lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if "error" in line.lower()]
        raise LibraryError(
            f"llama.cpp does not compile: {lines[0] if lines else f'pip ended with status {done.returncode}'}",
            remedy=f"`pip wheel --no-deps {REQUIREMENT}` shows all that the compiler says",
        )
    return found[0]


def _unpack(wheel: Path, target: Path) -> None:
    """The libraries that the wheel holds."""
    target.mkdir(mode=0o700)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            place = PurePosixPath(name)
            if place.parent == PurePosixPath("llama_cpp/lib"):
                (target / place.name).write_bytes(archive.read(name))
    if not any(target.iterdir()):
        raise LibraryError(f"{wheel.name} has no library in it", remedy="Unset SKBUILD_WHEEL_CMAKE")
