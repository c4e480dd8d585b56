"""The collections of a state directory: which there are, and the end of one."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import apsw

from rlm_local.collection.errors import CollectionError
from rlm_local.collection.sources import Sources
from rlm_local.collection.store import Lock, open_reading
from rlm_local.home import Home
from rlm_local.vault import Key


@dataclass(frozen=True)
class Entry:
    """A collection as it was last written. `size` in bytes on the disk, `changed` in seconds since 1970."""

    key: str
    path: str
    sources: Sources
    files: int
    size: int
    changed: float


def entries(home: Home) -> list[Entry]:
    """The collections, those last written first; one that cannot be opened has no files."""
    found = [_entry(path, home.key) for path in home.collections.glob("*.db")]
    return sorted(found, key=lambda entry: -entry.changed)


def _entry(path: Path, key: Key | None) -> Entry:
    status = path.stat()
    sources, files = Sources(), 0
    try:
        db = open_reading(path, key)
        try:
            sources = Sources.of(db)
            files = int(db.execute("SELECT count(*) FROM file").get)
        finally:
            db.close()
    except (CollectionError, apsw.Error):
        pass  # being made, damaged, or of another version: it is listed all the same, so that it can be dropped
    return Entry(path.stem, str(path), sources, files, status.st_size, status.st_mtime)


def drop(home: Home, key: str) -> None:
    """Deletes a collection, once nobody uses it.

    Raises:
        CollectionError: there is none of that name, or somebody uses it.
    """
    path = home.collections / f"{key}.db"
    if path.parent != home.collections or not path.exists():
        raise CollectionError(f"there is no collection {key!r}", remedy="See: rlm-local collection list")
    lock = Lock(path)
    try:
        if not lock.try_exclusive():
            raise CollectionError(f"the collection {key} is in use", remedy="End what uses it, then drop it.")
        shutil.rmtree(path.with_suffix(".spool"), ignore_errors=True)
        for each in (path, path.with_name(f"{path.name}-journal"), path.with_suffix(".lock")):
            each.unlink(missing_ok=True)
    finally:
        lock.close()
