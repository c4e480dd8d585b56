"""Collections of a server: shared folders kept up to date between questions."""

from pathlib import Path

import pytest

from rlm_local.collection import CollectionError
from rlm_local.home import Home
from rlm_local.models import Cancel
from rlm_local.serve.collections import Collections
from rlm_local.serve.files import FileStore
from rlm_local.serve.state import open_state


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "a.txt").write_text("The first letter.")
    return folder


@pytest.fixture
def files(home: Home) -> FileStore:
    return FileStore(open_state(home), home.serve / "files", most_bytes=1 << 20, quota_bytes=1 << 20)


def test_what_changes_in_shared_folders_is_read_before_anyone_asks(home: Home, files: FileStore, shared: Path) -> None:
    collections = Collections(home, files, [shared])
    collections.refresh(Cancel())
    (made,) = home.collections.glob("*.db")
    before = made.stat().st_mtime_ns
    collections.refresh(Cancel())
    assert made.stat().st_mtime_ns == before
    (shared / "b.txt").write_text("The second letter.")
    collections.refresh(Cancel())
    assert made.stat().st_mtime_ns != before
    with collections.open((), [shared], Cancel()).collection as collection:
        assert {document.name for document in collection.documents} == {"a.txt", "b.txt"}


def test_without_shared_folders_nothing_is_read(home: Home, files: FileStore) -> None:
    Collections(home, files).refresh(Cancel())
    assert not list(home.collections.glob("*.db"))


def test_a_shared_folder_that_is_gone_is_said(home: Home, files: FileStore, tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="does not exist"):
        Collections(home, files, [tmp_path / "gone"]).refresh(Cancel())
