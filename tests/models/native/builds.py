"""Folders with libraries of llama.cpp that are wrong in some way, made from the right one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rlm_local.models.native import Library, library

_DIES = """
#include <stddef.h>
int ggml_backend_score(void) { return 1000000; }           /* the best for any processor */
void *ggml_backend_init(void) { __builtin_trap(); return NULL; }   /* ud2: SIGILL */
"""

_MOVED = """
#include <string.h>
struct moved { void *devices; void *another; int layers; char rest[72]; };
struct moved llama_model_default_params(void) {
    struct moved given;
    memset(&given, 0, sizeof given);
    given.layers = -1;
    return given;
}
"""


def linked(folder: Path) -> Library:
    """The right library by links, so that one of its files can be another."""
    folder.mkdir()
    for path in library().folder.iterdir():
        (folder / path.name).symlink_to(path.resolve())
    return Library(folder, "the folder")


def with_file(folder: Path, data: bytes) -> Library:
    """A folder with these bytes for llama.cpp's own library."""
    made = linked(folder)
    made.file.unlink()
    (folder / "libllama.so").write_bytes(data)
    return made


def with_a_variant_that_dies(folder: Path, name: str = "sapphirerapids") -> Library:
    """A variant that every processor seems to be best served by, and that has an instruction which none takes."""
    made = linked(folder)
    target = folder / f"libggml-cpu-{name}.so"
    target.unlink(missing_ok=True)
    _compile(_DIES, target)
    return made


def of_another_version(folder: Path) -> Library:
    """A library whose structures have a field more."""
    made = linked(folder)
    right = made.file.rename(folder / "libllama.v0.5.0.so")  # the name that it has inside
    _compile(_MOVED, folder / "libllama.so", str(right), "-Wl,--no-as-needed", f"-Wl,-rpath,{folder}")
    return made


def _compile(source: str, target: Path, *options: str) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("a C compiler makes this library, and there is none")
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-x", "none", *reversed(options), "-o", str(target)]
    subprocess.run(command, input=source, text=True, check=True)
