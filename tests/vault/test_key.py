"""What is sealed is opened with its key alone, and as it was written."""

import io
import os
import pickle
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.sqlite import Pages, connect
from rlm_local.vault import Key
from rlm_local.vault.errors import VaultError

KEY, OTHER = Key(b"k" * 32), Key(b"o" * 32)
PIECE = 1 << 16


def sealed_file(content: bytes) -> bytes:
    file = io.BytesIO()
    KEY.seal_file(content, file)
    return file.getvalue()


@given(st.binary(max_size=200))
def test_a_value_comes_back_and_is_not_to_be_seen(value: bytes) -> None:
    sealed = KEY.seal(value)
    assert KEY.open(sealed) == value
    assert len(value) < 8 or value not in sealed.removeprefix(b"rlmseal0")
    assert KEY.seal(value) != sealed


def test_another_process_is_told_a_key_that_was_used() -> None:
    used = Key(b"k" * 32)
    sealed = used.seal(b"red")
    told = pickle.loads(pickle.dumps(used))
    assert told == used
    assert told.open(sealed) == b"red"


def test_a_value_with_the_mark_of_a_file_is_not_opened() -> None:
    with pytest.raises(VaultError, match="not sealed"):
        KEY.open(KEY.seal(b"red").replace(b"rlmseal0", b"rlmseal1"))


@given(st.binary(max_size=40), st.data())
def test_a_value_with_one_bit_changed_is_not_opened(value: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEY.seal(value))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(VaultError):
        KEY.open(bytes(sealed))


def test_another_key_opens_nothing() -> None:
    with pytest.raises(VaultError, match="another key"):
        OTHER.open(KEY.seal(b"red"))
    with pytest.raises(VaultError, match="another key"):
        OTHER.reader(io.BytesIO(sealed_file(b"red"))).read()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])
def test_a_file_is_read_from_any_place(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    reader = KEY.reader(io.BytesIO(sealed_file(content)))
    assert reader.read() == content
    for at in (0, size // 2, max(0, size - 1), size, size + 5):
        reader.seek(at)
        assert reader.read(100) == content[at : at + 100]
    assert reader.seek(0, io.SEEK_END) == size


@pytest.mark.parametrize("cut", [1, 16, PIECE + 16, 2 * PIECE])
def test_a_file_that_was_cut_is_not_read_as_if_it_ended_there(cut: int) -> None:
    sealed = sealed_file(b"x" * 3 * PIECE)
    with pytest.raises(VaultError):
        KEY.reader(io.BytesIO(sealed[:-cut])).read()


def test_pieces_of_a_file_cannot_change_places() -> None:
    sealed = sealed_file(b"a" * PIECE + b"b" * PIECE + b"c")
    head, piece = 24, PIECE + 16
    swapped = sealed[:head] + sealed[head + piece : head + 2 * piece] + sealed[head : head + piece] + sealed[-17:]
    with pytest.raises(VaultError):
        KEY.reader(io.BytesIO(swapped)).read()


@given(st.binary(max_size=100))
def test_a_line_stays_a_line(line: bytes) -> None:
    sealed = KEY.seal_line(line)
    assert sealed.count(b"\n") == 1
    assert KEY.open_line(sealed) == line
    assert OTHER.open_line(sealed) == sealed


def test_a_key_does_not_show_its_secret() -> None:
    assert "kkk" not in repr(KEY)


def test_a_sealed_database_is_opened_with_its_key_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    db = connect(path, key=KEY)
    db.execute("CREATE TABLE t (x)")
    db.execute("INSERT INTO t VALUES ('harbour')")
    db.close()
    assert b"harbour" not in path.read_bytes()
    for key in (None, OTHER):
        with pytest.raises(apsw.NotADBError):
            connect(path, key=key).execute("SELECT * FROM t")


def test_pages_in_memory_are_a_database_that_is_not_sealed(tmp_path: Path) -> None:
    db = connect(tmp_path / "a.db", key=KEY)
    db.execute("CREATE TABLE t (x)")
    db.execute("INSERT INTO t VALUES ('harbour')")
    pages = Pages(db)
    content = os.pread(pages.descriptor, 1 << 20, 0)
    assert content.startswith(b"SQLite format 3\0")
    assert b"harbour" in content
    with pytest.raises(PermissionError):
        os.pwrite(pages.descriptor, b"x", 0)
    descriptor = pages.descriptor
    del pages
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
