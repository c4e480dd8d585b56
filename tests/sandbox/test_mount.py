"""Files of the host in the guest: read as they are asked for, and never written."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_sandbox import Image, MountRefused, Session
from rlm_sandbox.nodes import Mounted
from rlm_sandbox.syserr import SysError

_FAR = 6 << 30


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book"
    path.write_bytes(bytes(range(256)) * 1000)
    return path


def test_the_guest_reads_what_the_file_holds(new_session: Any, book: Path) -> None:
    session = new_session()
    session.mount("/books/one", book)
    cell = "data = open('/books/one', 'rb').read(); data == bytes(range(256)) * 1000, os.stat('/books/one').st_size"
    assert session.run(f"import os; {cell}").output == "(True, 256000)\n"
    assert session.run("f = open('/books/one', 'rb'); f.seek(-3, 2), f.read(), f.read()").output == (
        "(255997, b'\\xfd\\xfe\\xff', b'')\n"
    )


def test_several_files_are_there_at_once_and_survive_cells_that_are_taken_back(
    new_session: Any, tmp_path: Path
) -> None:
    session = new_session()
    for name in "abc":
        (tmp_path / name).write_text(name * 3)
        session.mount(f"/{name}", tmp_path / name)
    session.run("import os; files = [open('/' + name) for name in 'abc']; first = [f.read(1) for f in files]")
    session.run("[f.read() for f in files]; os._exit(1)")
    assert session.run("first, [f.read() for f in files]").output == "(['a', 'b', 'c'], ['aa', 'bb', 'cc'])\n"


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        ("open('/book', 'w')", "EROFS"),
        ("open('/book', 'r+b')", "EROFS"),
        ("open('/book', 'ab')", "EROFS"),
        ("os.truncate('/book', 0)", "EROFS"),
        ("os.ftruncate(os.open('/book', os.O_RDONLY), 0)", "EINVAL"),
        ("os.write(os.open('/book', os.O_RDONLY), b'x')", "EBADF"),
        ("os.unlink('/book')", "EPERM"),
        ("os.rename('/book', '/tmp/book')", "EPERM"),
        ("open('/tmp/own', 'w').close(); os.rename('/tmp/own', '/book')", "EPERM"),
        ("os.chmod('/book', 0o777); open('/book', 'w')", "EROFS"),
    ],
)
def test_it_can_neither_be_written_nor_removed(mounted: Session, book: Path, attempt: str, error: str) -> None:
    before = book.stat()
    result = mounted.run(f"import errno, os\ntry: {attempt}\nexcept OSError as e: print(errno.errorcode[e.errno])")
    assert (result.output, result.error) == (f"{error}\n", None)
    after = book.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_size) == (before.st_mode, before.st_mtime_ns, before.st_size)


@pytest.fixture
def mounted(new_session: Any, book: Path) -> Session:
    session = new_session()
    session.mount("/book", book)
    return session


def test_offsets_go_beyond_four_gigabytes(new_session: Any, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(_FAR)
        os.pwrite(file.fileno(), b"far away", _FAR - 8)
    session = new_session()
    session.mount("/sparse", path)
    cell = f"import os; f = open('/sparse', 'rb'); f.seek({_FAR} - 8), f.read(), os.pread(f.fileno(), 3, {_FAR} - 4)"
    assert session.run(cell).output == f"({_FAR - 8}, b'far away', b'awa')\n"


def test_a_file_that_is_shortened_meanwhile_is_an_error_of_the_cell(mounted: Session, book: Path) -> None:
    mounted.run("f = open('/book', 'rb', buffering=0)")
    os.truncate(book, 1000)
    assert mounted.run("f.read(1000) == bytes(range(256)) * 3 + bytes(range(232))").output == "True\n"
    assert "OSError: [Errno 29] I/O error" in (mounted.run("f.read(10)").error or "")
    assert mounted.run("6 * 7").output == "42\n"


def test_a_file_that_grows_meanwhile_keeps_its_size(mounted: Session, book: Path) -> None:
    with book.open("ab") as file:
        file.write(b"more")
    assert mounted.run("len(open('/book', 'rb').read())").output == "256000\n"


def test_a_file_that_is_replaced_meanwhile_is_the_one_that_was_mounted(mounted: Session, book: Path) -> None:
    book.unlink()
    book.write_text("another")
    assert mounted.run("len(open('/book', 'rb').read())").output == "256000\n"


def test_a_descriptor_will_do_and_stays_the_callers(new_session: Any, book: Path) -> None:
    session = new_session()
    with book.open("r+b") as file:
        session.mount("/book", file.fileno())
        assert file.read(2) == b"\0\1"
    assert session.run("len(open('/book', 'rb').read())").output == "256000\n"


def test_sqlite_reads_a_database_of_the_host(new_session: Any, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "some.db")
    connection.execute(
        "CREATE TABLE n AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 9999) SELECT x FROM c"
    )
    connection.commit()
    connection.close()
    session = new_session()
    session.mount("/some.db", tmp_path / "some.db")
    session.run("import sqlite3; db = sqlite3.connect('file:/some.db?immutable=1&mode=ro', uri=True)")
    assert session.run("db.execute('SELECT sum(x) FROM n').fetchone()").output == "(49995000,)\n"
    assert "readonly database" in (session.run("db.execute('DELETE FROM n')").error or "")


def test_what_cannot_be_mounted_is_refused_and_the_session_goes_on(new_session: Any, book: Path) -> None:
    session = new_session()
    session.run("open('/tmp/mine', 'w').close()")
    for path in ("/tmp/mine", "/tmp/mine/book", "/", "/" + "x" * 300):
        with pytest.raises(MountRefused):
            session.mount(path, book)
    with pytest.raises(ValueError, match="no absolute path"):
        session.mount("book", book)
    with pytest.raises(ValueError, match="no regular file"):
        session.mount("/book", book.parent)
    with pytest.raises(FileNotFoundError):
        session.mount("/book", book.parent / "missing")
    for number in range(32):
        session.mount(f"/book{number}", book)
    with pytest.raises(MountRefused, match="32 mounted files"):
        session.mount("/one-more", book)
    assert session.run("open('/book31', 'rb').read(3)").output == "b'\\x00\\x01\\x02'\n"


def test_nothing_of_it_stays_open_here(image: Image, book: Path) -> None:
    before = _descriptors()
    with Session(image) as session:
        session.mount("/book", book)
    assert _descriptors() == before


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@given(start=st.integers(0, 40), size=st.integers(0, 40), cut=st.integers(0, 30))
def test_a_window_is_filled_with_what_is_there_or_is_an_error(start: int, size: int, cut: int) -> None:
    content = bytes(range(30))
    descriptor = os.memfd_create("book")
    os.write(descriptor, content[:cut])
    node = Mounted(2, 0.0, descriptor, len(content))
    window = bytearray(size)
    try:
        if start < len(content) and size and min(start + size, len(content)) > cut:
            with pytest.raises(SysError, match="EIO"):
                node.read(start, memoryview(window))
        else:
            count = node.read(start, memoryview(window))
            assert bytes(window[:count]) == content[start : start + size]
            assert not any(window[count:])
    finally:
        os.close(descriptor)
