"""The in-memory file system against the machine's own, and its accounting."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rlm_sandbox import vfs
from rlm_sandbox.nodes import Directory, Link
from rlm_sandbox.syserr import SysError
from rlm_sandbox.vfs import FileSystem

_NAMES = st.sampled_from(["a", "b", "a/b", "a/b/c", "b/a", "a/../b", "link", "link/b", "a/link", "./a", "missing/x"])
_LIMIT = 5000


class Differential(RuleBasedStateMachine):
    """Each rule does the same in a real directory, and the outcome, errors included, must be the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.real = Path(self.folder.name)
        self.files = FileSystem(lambda: 1.0, most_bytes=_LIMIT, most_nodes=200)

    def teardown(self) -> None:
        self.folder.cleanup()

    def both(self, mine: Callable[[], Any], theirs: Callable[[], Any]) -> None:
        assert _outcome(mine) == _outcome(theirs)

    def path(self, name: str) -> Path:
        return self.real / name

    @rule(name=_NAMES)
    def make_directory(self, name: str) -> None:
        self.both(lambda: self.files.make_directory(name), lambda: self.path(name).mkdir())

    @rule(name=_NAMES, to=st.sampled_from(["a", "b", "a/b", "link", "missing"]))
    def make_link(self, name: str, to: str) -> None:
        self.both(lambda: self.files.make_link(to, name), lambda: self.path(name).symlink_to(to))

    @rule(name=_NAMES)
    def remove_file(self, name: str) -> None:
        self.both(lambda: self.files.remove_file(name), lambda: self.path(name).unlink())

    @rule(name=_NAMES)
    def remove_directory(self, name: str) -> None:
        self.both(lambda: self.files.remove_directory(name), lambda: self.path(name).rmdir())

    def real_rename(self, old: str, new: str) -> None:
        self.path(old).rename(self.path(new))

    @rule(old=_NAMES, new=_NAMES)
    def rename(self, old: str, new: str) -> None:
        self.both(lambda: self.files.rename(old, new), lambda: self.real_rename(old, new))

    @rule(name=_NAMES, data=st.binary(max_size=60), at=st.integers(0, 50), append=st.booleans())
    def write(self, name: str, data: bytes, at: int, append: bool) -> None:
        mode = vfs.O_APPEND if append else 0

        def mine() -> int:
            descriptor = self.files.open(name, vfs.O_RDWR | vfs.O_CREAT | mode)
            file = self.files.get(descriptor)
            self.files.seek(file, at, 0)
            self.files.write(file, memoryview(data))
            self.files.close(descriptor)
            return file.position if data else 0

        def theirs() -> int:
            flags = os.O_RDWR | os.O_CREAT | (os.O_APPEND if append else 0)
            descriptor = os.open(self.path(name), flags, 0o666)
            try:
                os.lseek(descriptor, at, os.SEEK_SET)
                os.write(descriptor, data)
                return os.lseek(descriptor, 0, os.SEEK_CUR) if data else 0
            finally:
                os.close(descriptor)

        if data or not append:
            self.both(mine, theirs)

    @rule(name=_NAMES)
    def read(self, name: str) -> None:
        def mine() -> bytes:
            descriptor = self.files.open(name, 0)
            try:
                return _read(self.files, descriptor)
            finally:
                self.files.close(descriptor)

        self.both(mine, lambda: self.path(name).read_bytes())

    @rule(name=_NAMES)
    def list_directory(self, name: str) -> None:
        def mine() -> list[str]:
            descriptor = self.files.open(name, vfs.O_DIRECTORY)
            try:
                return sorted(_names(self.files, descriptor))[2:]
            finally:
                self.files.close(descriptor)

        self.both(mine, lambda: sorted(path.name for path in self.path(name).iterdir()))

    @rule(name=_NAMES, size=st.integers(0, 80))
    def truncate(self, name: str, size: int) -> None:
        self.both(
            lambda: self.files.truncate(self.files.lookup(name), size), lambda: os.truncate(self.path(name), size)
        )

    @rule(name=_NAMES)
    def size_and_kind(self, name: str) -> None:
        def mine() -> tuple[int, int]:
            node = self.files.lookup(name, follow=False)
            return node.mode & 0o170000, 0 if isinstance(node, Directory) else node.size

        def theirs() -> tuple[int, int]:
            status = os.lstat(self.path(name))
            kind = status.st_mode & 0o170000
            return kind, 0 if kind == 0o040000 else status.st_size

        self.both(mine, theirs)

    @invariant()
    def all_is_accounted(self) -> None:
        nodes, used = _count(self.files.root)
        assert (self.files.nodes, self.files.used) == (nodes, used)
        assert not self.files.descriptors


def _read(files: FileSystem, descriptor: int, at: int | None = None) -> bytes:
    window = bytearray(10_000)
    return bytes(window[: files.read(files.get(descriptor), memoryview(window), at)])


def _names(files: FileSystem, descriptor: int, first: int = 0) -> list[str]:
    return [name for _, name, _ in files.list_directory(files.get(descriptor), first, 1000)]


def _outcome(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except SysError as error:
        return error.errno.name
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def _count(directory: Directory) -> tuple[int, int]:
    nodes, used = 1, 0
    for node in directory.entries.values():
        more = _count(node) if isinstance(node, Directory) else (1, node.charged)
        nodes, used = nodes + more[0], used + more[1]
    return nodes, used


Differential.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_differences_to_the_real_thing = Differential.TestCase


def _files(**limits: int) -> FileSystem:
    return FileSystem(lambda: 1.0, **{"most_bytes": 100, **limits})


def _fails(name: str) -> Any:
    return pytest.raises(SysError, match=f"^{name}$")


def test_bytes_are_bounded_and_come_back_when_the_last_descriptor_goes() -> None:
    files = _files()
    descriptor = files.open("/f", vfs.O_RDWR | vfs.O_CREAT)
    file = files.get(descriptor)
    files.write(file, memoryview(bytes(100)))
    with _fails("ENOSPC"):
        files.write(file, memoryview(b"x"))
    with _fails("ENOSPC"):
        files.truncate(file.node, 1 << 60)
    again = files.add(file)
    files.remove_file("/f")
    files.close(descriptor)
    assert files.used == 100
    assert _read(files, again, 0) == bytes(100)
    files.close(again)
    assert files.used == 0


def test_nodes_and_descriptors_are_bounded() -> None:
    files = _files(most_nodes=4, most_descriptors=2)
    for name in "abc":
        files.make_directory(name)
    with _fails("ENOSPC"):
        files.make_directory("d")
    files.remove_directory("c")
    files.make_directory("d")
    assert [files.open("/", 0), files.open("/", 0)] == [0, 1]
    with _fails("EMFILE"):
        files.open("/", 0)
    with _fails("EBADF"):
        files.place(files.get(0), 2)


def test_a_file_that_cannot_be_opened_is_not_made() -> None:
    files = _files(most_descriptors=0)
    with _fails("EMFILE"):
        files.open("/f", vfs.O_CREAT | vfs.O_RDWR)
    assert files.nodes == 1


def test_shared_files_are_read_only() -> None:
    files = _files()
    files.add_file("/lib/python.zip", b"shared")
    for flags in (vfs.O_RDWR, vfs.O_WRONLY, vfs.O_TRUNC):
        with _fails("EROFS"):
            files.open("/lib/python.zip", flags)
    with _fails("EROFS"):
        files.truncate(files.lookup("/lib/python.zip"), 0)
    assert files.used == 0


def test_a_listing_does_not_shift_when_entries_are_removed_on_the_way() -> None:
    files = _files()
    for name in "abc":
        files.make_directory(name)
    descriptor = files.open("/", vfs.O_DIRECTORY)
    assert _names(files, descriptor) == [".", "..", "a", "b", "c"]
    files.remove_directory("b")
    assert _names(files, descriptor, 3) == ["c"]
    assert _names(files, descriptor, 2) == ["a", "c"]
    assert _names(files, descriptor) == [".", "..", "a", "c"]


def test_links_pay_for_what_they_say() -> None:
    files = _files(most_bytes=10)
    files.make_link("x" * 10, "/a")
    with _fails("ENOSPC"):
        files.make_link("y", "/b")
    files.remove_file("/a")
    files.make_link("y", "/b")
    assert files.used == 1


def test_what_the_host_has_put_there_stays() -> None:
    files = _files()
    files.add_device("/dev/stdout", lambda _data: None)
    files.add_file("/lib/python.zip", b"")
    files.make_directory("/own")
    for path in ("/dev/stdout", "/lib/python.zip"):
        with _fails("EPERM"):
            files.remove_file(path)
        with _fails("EPERM"):
            files.rename(path, "/own/it")
        with _fails("EPERM"):
            files.open("/own/it", vfs.O_CREAT | vfs.O_WRONLY)
            files.rename("/own/it", path)
        files.remove_file("/own/it")
    with _fails("EPERM"):
        files.rename("/dev", "/own/dev")


def test_no_path_is_longer_than_a_path_may_be() -> None:
    files = _files()
    with _fails("ENAMETOOLONG"):
        for _ in range(100):
            files.make_directory("d" * 200)
            files.change_directory("d" * 200)
    assert len(files.working_directory) < 4096


def test_links_in_a_circle_end() -> None:
    files = _files()
    files.make_link("/b", "/a")
    files.make_link("/a", "/b")
    with _fails("ELOOP"):
        files.lookup("/a")
    with _fails("ELOOP"):
        files.open("/a", vfs.O_NOFOLLOW)
    assert isinstance(files.lookup("/a", follow=False), Link)


@pytest.mark.parametrize(("offset", "whence"), [(-1, 0), (-1, 1), (-2, 2), (0, 3), (1 << 63, 0)])
def test_no_position_outside_a_file(offset: int, whence: int) -> None:
    files = _files()
    file = files.get(files.open("/f", vfs.O_CREAT | vfs.O_RDWR))
    files.write(file, memoryview(b"x"), 0)
    with _fails("EINVAL"):
        files.seek(file, offset, whence)
    with contextlib.suppress(SysError):
        files.seek(file, 1 << 62, 0)
    assert files.read(file, memoryview(bytearray(10))) == 0
