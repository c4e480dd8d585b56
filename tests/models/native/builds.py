"""Folders with libraries of llama.cpp that are wrong in some way, made from the right one."""

import platform
from pathlib import Path

import pytest

from rlm_local.models.native import Library, library
from tests.models.native.elf import DIES, RETURNS_AT_ONCE, patch

x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="the machine code that is put in is x86-64's")


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


def that_dies(folder: Path, variant: str, *, function: str = "ggml_graph_compute") -> Library:
    """A library whose build for one kind of processor has an instruction that none takes, where it computes."""
    made = linked(folder)
    patch(folder / f"libggml-cpu-{variant}.so", function, DIES)
    return made


def of_another_version(folder: Path) -> Library:
    """A library that fills in other defaults."""
    made = linked(folder)
    patch(made.file, "llama_context_default_params", RETURNS_AT_ONCE)
    return made
