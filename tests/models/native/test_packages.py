import errno
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from rlm_local.models.errors import LibraryError
from rlm_local.models.native.npm import pack
from rlm_local.models.native.packages import PACKAGES, Package, ensure_package, intact, package_of

FILES = {
    "package/LICENSE": b"MIT",
    "package/dist/index.js": b"js",
    "package/bins/x/libllama.cuda.v0.5.0.so": b"llama",
    "package/bins/x/libllama-common.so": b"common",
    "package/bins/x/libggml-cpu-x64.so": b"cpu",
    "package/bins/x/llama-addon.node": b"addon",
    "../../outside.so": b"outside",
}


def tarball(path: Path, files: dict[str, bytes] = FILES) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def package_for(archive: Path) -> Package:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return Package("cpu", ("linux", "x86_64"), "x", archive.stat().st_size, digest)


def silent(_what: str, _share: float | None) -> None: ...


def test_the_shared_objects_alone_are_taken_and_llamas_own_has_its_plain_name(tmp_path: Path):
    archive = tarball(tmp_path / "x.tgz")
    library = ensure_package(package_for(archive), tmp_path, silent, archive=archive)
    assert {path.name: path.read_bytes() for path in library.folder.glob("*.so")} == {
        "libllama.so": b"llama",
        "libggml-cpu-x64.so": b"cpu",
        "outside.so": b"outside",
    }
    assert not (tmp_path.parent / "outside.so").exists()
    assert library.file.name == "libllama.so"
    assert library.variants == ("x64",)


def test_what_was_unpacked_is_intact_until_a_file_changes_or_goes(tmp_path: Path):
    archive = tarball(tmp_path / "x.tgz")
    folder = ensure_package(package_for(archive), tmp_path, silent, archive=archive).folder
    assert intact(folder)
    (folder / "libggml-cpu-x64.so").write_bytes(b"cpa")
    assert not intact(folder)
    (folder / "libggml-cpu-x64.so").unlink()
    assert not intact(folder)
    (folder / "sha256.json").write_text("{")
    assert not intact(folder)
    (folder / "sha256.json").unlink()
    assert intact(folder), "of one that an earlier version unpacked nothing is known"


def test_it_is_fetched_once(tmp_path: Path):
    made = tmp_path / "made.tgz"
    package = package_for(tarball(made))
    fetched: list[str] = []

    def fake_pack(requirement: str, directory: Path, _report: object) -> Path:
        fetched.append(requirement)
        return Path(shutil.copy(made, directory))

    first = ensure_package(package, tmp_path, silent, pack=fake_pack)
    assert ensure_package(package, tmp_path, silent, pack=fake_pack) == first
    assert fetched == [package.requirement]
    assert not list(tmp_path.glob(".fetching-*"))


@pytest.mark.parametrize("damage", [b"<html>", b""])
def test_what_is_not_pinned_is_refused_and_leaves_nothing(tmp_path: Path, damage: bytes):
    archive = tarball(tmp_path / "x.tgz")
    package = package_for(archive)
    archive.write_bytes(damage)
    with pytest.raises(LibraryError, match="its sha256 is"):
        ensure_package(package, tmp_path, silent, archive=archive)
    assert list(tmp_path.iterdir()) == [archive]


def test_a_full_disk_is_told_with_the_place_and_leaves_nothing(tmp_path: Path):
    def full(_requirement: str, _directory: Path, _report: object) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(LibraryError, match=f"cannot be written to {tmp_path}: No space left") as caught:
        ensure_package(PACKAGES[0], tmp_path, silent, pack=full)
    assert "RLM_LOCAL_HOME" in caught.value.remedy
    assert not list(tmp_path.iterdir())


def test_an_archive_is_told_by_its_hash(tmp_path: Path):
    with pytest.raises(LibraryError, match="is none of"):
        package_of(tarball(tmp_path / "x.tgz"))


def test_one_pinned_build_a_backend_and_machine():
    assert len({(package.backend, package.machine) for package in PACKAGES}) == len(PACKAGES)
    assert all(len(package.sha256) == 64 for package in PACKAGES)


def test_npm_fetches_by_name_and_writes_where_it_is_told(tmp_path: Path):
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], directory: Path) -> "subprocess.CompletedProcess[str]":
        commands.append(command)
        tarball(directory / "x-1.tgz")
        return subprocess.CompletedProcess(command, 0, "", "")

    assert pack("@a/x@1", tmp_path, silent, npm="/bin/npm", run=run) == tmp_path / "x-1.tgz"
    [command] = commands
    assert command[:3] == ["/bin/npm", "pack", "@a/x@1"]
    assert "--ignore-scripts" in command
    assert f"--cache={tmp_path / 'npm-cache'}" in command


def test_what_npm_says_is_told_with_a_way_out(tmp_path: Path):
    def run(command: Sequence[str], directory: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "", "npm warn x\nnpm error code E404\nnpm error 404 Not Found")

    with pytest.raises(LibraryError, match="npm error 404 Not Found") as caught:
        pack("@a/x@1", tmp_path, silent, npm="/bin/npm", run=run)
    assert "npm pack @a/x@1" in caught.value.remedy
