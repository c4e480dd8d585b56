import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rlm_sandbox import Image, ImageError, Session, ensure_image


@pytest.fixture
def copy(image: Image, tmp_path: Path) -> Path:
    """A directory with a copy of the image, and no sources to build another from."""
    shutil.copytree(image.folder, tmp_path / image.folder.name)
    return tmp_path


NOWHERE = Path("/nonexistent/folder")


def test_an_image_that_is_there_is_used_as_it_is(copy: Path) -> None:
    told: list[str] = []
    image = ensure_image(copy, source=NOWHERE, progress=lambda what, _fraction: told.append(what))
    assert image.folder.parent == copy
    assert told == []
    with Session(image) as session:
        assert session.run("1 + 1").output == "2\n"


@pytest.mark.parametrize("name", ["python.cwasm", "trampoline.cwasm", "python_stdlib.zip", "rlm_driver.py"])
def test_a_file_that_was_changed_is_never_used(copy: Path, image: Image, name: str) -> None:
    path = copy / image.folder.name / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ImageError, match="/nonexistent/folder"):  # it would build anew, if it could
        ensure_image(copy, source=NOWHERE)


@pytest.mark.parametrize("manifest", ["", "{}", "[]", '{"sha256": {"gone": "00"}, "anchors": {}}', '{"sha256": {}}'])
def test_a_broken_manifest_is_no_image(copy: Path, image: Image, manifest: str) -> None:
    (copy / image.folder.name / "manifest.json").write_text(manifest)
    with pytest.raises(ImageError, match="/nonexistent/folder"):
        ensure_image(copy, source=NOWHERE)


def test_a_file_that_changes_after_the_check_is_not_mapped(copy: Path) -> None:
    image = ensure_image(copy)
    path = image.folder / "python.cwasm"
    os.utime(path, ns=(0, 0))
    with pytest.raises(ImageError, match="has changed"):
        image.program()


def test_what_an_interrupted_build_left_is_swept_away(image: Image, tmp_path: Path) -> None:
    half = tmp_path / ".building-x"
    half.mkdir()
    (half / "python.cwasm").write_bytes(b"half")
    (tmp_path / image.folder.name).mkdir()
    with pytest.raises(ImageError, match="/nonexistent/folder"):
        ensure_image(tmp_path, source=NOWHERE)
    assert not half.exists()
    assert not (tmp_path / image.folder.name).exists()


def test_the_directory_is_private(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    with pytest.raises(ImageError):
        ensure_image(directory, source=NOWHERE)
    assert directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_directory_that_others_may_write_to_is_not_used(copy: Path, mode: int) -> None:
    copy.chmod(mode)
    with pytest.raises(ImageError, match="others may write"):
        ensure_image(copy)


def test_a_directory_that_cannot_be_one_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImageError, match=r"choose another") as caught:
        ensure_image(tmp_path / "file" / "image", source=NOWHERE)
    assert "file" in str(caught.value)


_BUILD = """
import sys, pathlib
from rlm_sandbox import ensure_image
told = []
image = ensure_image(pathlib.Path(sys.argv[1]), source=pathlib.Path(sys.argv[2]),
                     progress=lambda what, fraction: told.append(what))
print(image.folder.name, "compiling the snapshot" in told)
"""


@pytest.mark.slow
def test_two_processes_build_one_image_and_a_killed_build_is_made_good(image: Image, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _BUILD, str(tmp_path), str(image.folder.parent / "sources")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment) as killed:
        while not (tmp_path / "sources").exists():
            assert killed.poll() is None
        killed.kill()
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = sorted(process.communicate()[0].split() for process in both)
    assert results == [[image.folder.name, "False"], [image.folder.name, "True"]]
    with Session(ensure_image(tmp_path, source=NOWHERE)) as session:
        assert session.run("1 + 1").output == "2\n"
