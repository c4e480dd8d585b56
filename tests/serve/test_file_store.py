"""Uploaded files when what should list them cannot be written, or the server dies in between."""

import io
from pathlib import Path

import pytest

from rlm_local.errors import StoreError
from rlm_local.home import Home
from rlm_local.serve.files import FileStore
from rlm_local.serve.state import open_state


def add(store: FileStore, text: bytes) -> None:
    store.add("key-1", "letter.txt", io.BytesIO(text), purpose="user_data", most_bytes=1000)


def test_a_file_that_cannot_be_listed_is_not_kept(tmp_path: Path) -> None:
    state = open_state(Home(tmp_path))
    store = FileStore(state, tmp_path / "files")
    add(store, b"one")
    with state.writing() as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON file BEGIN SELECT raise(ABORT, 'no room'); END")
    with pytest.raises(StoreError, match="no room"):
        add(store, b"two")
    assert [file.name for file in (tmp_path / "files").iterdir()] == [file.id for file in store.list(None)]
    state.close()


def test_what_no_row_lists_goes_at_the_next_start(tmp_path: Path) -> None:
    state = open_state(Home(tmp_path))
    add(FileStore(state, tmp_path / "files"), b"one")
    for name in ("file-of-no-row", "file-cut-short.part"):
        (tmp_path / "files" / name).write_bytes(b"secret")
    store = FileStore(state, tmp_path / "files")
    store.tidy()
    [kept] = store.list(None)
    assert [file.name for file in (tmp_path / "files").iterdir()] == [kept.id]
    state.close()
