import subprocess
import zipfile
from pathlib import Path

import pytest

from rlm_sandbox import Image, ImageError
from rlm_sandbox.fetch import LIBRARY, SHA256, fetch, write_atomically


def _answer(status: int, error: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.CompletedProcess([], status, "", error)


def _no_network(_command: list[str]) -> "subprocess.CompletedProcess[str]":
    return _answer(1, "WARNING: retrying\nERROR: No matching distribution found")


@pytest.fixture
def sources(image: Image) -> Path:
    """The folder in which the image's directory keeps what was fetched."""
    return image.folder.parent / "sources"


def test_pip_is_asked_for_the_pinned_wheel_and_for_nothing_else(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
        asked.append(command)
        return _no_network(command)

    with pytest.raises(ImageError, match="No matching distribution"):
        fetch(tmp_path, None, run)
    (command,) = asked
    assert command[1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "flet-web==1.0.5"} <= set(command)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", ["No module named pip", ""])
def test_without_pip_or_network_the_error_says_how_to_go_on(tmp_path: Path, error: str) -> None:
    with pytest.raises(ImageError, match=r"hand over the wheel or a folder"):
        fetch(tmp_path, None, lambda _command: _answer(1, error))


def test_a_wheel_with_another_hash_is_refused_from_the_index_and_by_hand(tmp_path: Path) -> None:
    wheel = tmp_path / "flet_web-1.0.5-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in SHA256:
            archive.writestr(f"flet_web/web/pyodide/{name}", b"forged")

    def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
        Path(command[command.index("--dest") + 1], wheel.name).write_bytes(wheel.read_bytes())
        return _answer(0)

    store = tmp_path / "store"
    store.mkdir()
    with pytest.raises(ImageError, match="sha256"):
        fetch(store, None, run)
    with pytest.raises(ImageError, match="sha256"):
        fetch(store, wheel)
    assert not list(store.iterdir())


def test_a_folder_is_taken_as_it_is_and_remembered(sources: Path, tmp_path: Path) -> None:
    files = fetch(tmp_path, sources)
    assert set(files) == set(SHA256)
    assert fetch(tmp_path, None, _no_network) == files


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_damaged_folder_names_the_file_and_the_place(sources: Path, tmp_path: Path, damage: str) -> None:
    for name in SHA256:
        (tmp_path / name).write_bytes((sources / name).read_bytes())
    if damage == "missing":
        (tmp_path / LIBRARY).unlink()
    else:
        (tmp_path / LIBRARY).write_bytes(b"changed")
    with pytest.raises(ImageError) as caught:
        fetch(tmp_path / "store", tmp_path)
    assert LIBRARY in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no-such\.whl"):
        fetch(tmp_path, tmp_path / "no-such.whl")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "no bytes")  # pyright: ignore[reportArgumentType]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
