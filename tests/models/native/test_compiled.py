import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rlm_local.models.errors import LibraryError
from rlm_local.models.native.compiled import compiler, ensure_compiled

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no compiler, and nothing is compiled without one")


@pytest.fixture(autouse=True)
def asked_of_cmake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_CUDA=on")


def silent(_what: str, _share: float | None) -> None: ...


def wheel_of(*names: str):
    def run(command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        assert "SKBUILD_WHEEL_CMAKE" not in environment, "it would keep pip from compiling"
        assert "-mno-amx-int8" in environment["CXXFLAGS"]
        assert environment["CMAKE_ARGS"] == "-DLLAVA_BUILD=OFF -DGGML_CUDA=on"
        [directory] = [Path(option.partition("=")[2]) for option in command if option.startswith("--wheel-dir=")]
        with zipfile.ZipFile(directory / "llama.whl", "w") as archive:
            for name in names:
                archive.writestr(name, name)
        return subprocess.CompletedProcess(command, 0, "", "")

    return run


def test_the_libraries_of_the_wheel_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKBUILD_WHEEL_CMAKE", "false")
    run = wheel_of("llama_cpp/llama.py", "llama_cpp/lib/libllama.so", "llama_cpp/lib/libggml.so")
    library = ensure_compiled(tmp_path, silent, run)
    assert {path.name for path in library.folder.iterdir()} == {"libllama.so", "libggml.so"}
    assert ensure_compiled(tmp_path, silent, lambda *_: pytest.fail("it is there")) == library


def test_a_wheel_without_a_library_leaves_nothing(tmp_path: Path):
    with pytest.raises(LibraryError, match="no library in it"):
        ensure_compiled(tmp_path, silent, wheel_of("llama_cpp/llama.py"))
    assert list(tmp_path.iterdir()) == []


def test_what_the_compiler_says_is_told(tmp_path: Path):
    def run(command: Sequence[str], _environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "x.cpp:1: error: no such thing\n", "")

    with pytest.raises(LibraryError, match="no such thing"):
        ensure_compiled(tmp_path, silent, run)
