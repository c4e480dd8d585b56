"""Uploaded files when what should list them cannot be written, or the server dies in between."""

import io
from pathlib import Path

import pytest

from rlm_local.errors import StoreError
from rlm_local.home import Home
from rlm_local.log.database import Database
from rlm_local.serve.errors import BadRequestError
from rlm_local.serve.files import FileStore
from rlm_local.serve.state import open_state


def opened(state: Database, folder: Path) -> FileStore:
    return FileStore(state, folder / "files", most_bytes=1000, quota_bytes=2000)


def add(store: FileStore, text: bytes) -> None:
    store.add("key-1", "letter.txt", io.BytesIO(text), purpose="user_data")


def test_a_file_that_cannot_be_listed_is_not_kept(tmp_path: Path) -> None:
    state = open_state(Home(tmp_path))
    store = opened(state, tmp_path)
    add(store, b"one")
    with state.writing() as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON file BEGIN SELECT raise(ABORT, 'no room'); END")
    with pytest.raises(StoreError, match="no room"):
        add(store, b"two")
    assert [file.name for file in (tmp_path / "files").iterdir()] == [file.id for file in store.list(None)]
    state.close()


def test_what_no_row_lists_goes_at_the_next_start(tmp_path: Path) -> None:
    state = open_state(Home(tmp_path))
    add(opened(state, tmp_path), b"one")
    for name in ("file-of-no-row", "file-cut-short.part"):
        (tmp_path / "files" / name).write_bytes(b"secret")
    store = opened(state, tmp_path)
    store.tidy()
    [kept] = store.list(None)
    assert [file.name for file in (tmp_path / "files").iterdir()] == [kept.id]
    state.close()


def test_an_owner_keeps_no_more_than_the_quota_and_no_other_pays_for_it(tmp_path: Path) -> None:
    state = open_state(Home(tmp_path))
    store = opened(state, tmp_path)
    for text in (b"a" * 1000, b"b" * 900):
        add(store, text)
    with pytest.raises(BadRequestError, match="would take more"):
        add(store, b"c" * 101)
    add(store, b"c" * 100)
    with pytest.raises(BadRequestError, match="would take more"):
        add(store, b"d")
    store.add("key-2", "letter.txt", io.BytesIO(b"d"), purpose="user_data")
    store.delete(store.list("key-1")[0])
    add(store, b"d")
    assert len(list((tmp_path / "files").iterdir())) == len(store.list(None)) == 4
    state.close()
