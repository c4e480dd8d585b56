"""Corpora of a server: what a question is over, read once and kept while it is the same."""

import hashlib
import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlm_local.corpus import Corpus
from rlm_local.corpus.errors import NothingReadableError
from rlm_local.corpus.load import File, Files
from rlm_local.models import Cancel
from rlm_local.serve.files import FileStore, StoredFile

_KEPT_CHARACTERS = 64 << 20
"""Of all corpora that are kept; parsed, a character takes some ten bytes."""


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    corpus: Corpus | None = None


class Corpora:
    """Safe to use from many threads; two that ask for the same corpus read it once."""

    def __init__(self, files: FileStore) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._slots: OrderedDict[bytes, _Slot] = OrderedDict()

    def get(self, files: Sequence[StoredFile], folders: Sequence[Path], cancel: Cancel) -> Corpus:
        """The documents of uploaded files and shared folders.

        Raises:
            CorpusError: there is nothing to read, or a folder is gone.
            Cancelled: by `cancel`, while they were read.
        """
        name = _fingerprint(files, folders)
        with self._lock:
            slot = self._slots.setdefault(name, _Slot())
            self._slots.move_to_end(name)
        with slot.lock:
            if slot.corpus is None:
                slot.corpus = self._read(files, folders, cancel.check)
            corpus = slot.corpus
        self._make_room()
        return corpus

    def forget(self) -> None:
        """Keeps none of them any longer: one of their documents was deleted."""
        with self._lock:
            self._slots.clear()

    def _read(self, files: Sequence[StoredFile], folders: Sequence[Path], check: Callable[[], None]) -> Corpus:
        found = Files(folders)
        uploads = (File(file.name, self._files.path(file).read_bytes()) for file in files)
        corpus = Corpus.of(
            _named_apart(itertools.chain(uploads, found)),
            found.skipped,
            sources=(*(file.name for file in files), *(folder.name for folder in folders)),
            progress=lambda _name, _characters: check(),
        )
        if not corpus.documents:
            reasons = "; ".join(f"{skipped.path}: {skipped.reason}" for skipped in corpus.skipped[:10])
            raise NothingReadableError(
                f"there is no text in the documents ({reasons})", remedy="Give documents with text"
            )
        return corpus

    def _make_room(self) -> None:
        with self._lock:
            kept = sum(len(slot.corpus.context) for slot in self._slots.values() if slot.corpus)
            while kept > _KEPT_CHARACTERS and len(self._slots) > 1:
                _, slot = self._slots.popitem(last=False)
                kept -= len(slot.corpus.context) if slot.corpus else 0


def _named_apart(files: Iterable[File]) -> Iterator[File]:
    """The files under names of their own: an upload and a file in a folder may be called the same."""
    taken: set[str] = set()
    for file in files:
        number, name = 1, file.name
        while name in taken:
            number += 1
            name = f"{file.name} ({number})"
        taken.add(name)
        yield File(name, file.data)


def _fingerprint(files: Sequence[StoredFile], folders: Sequence[Path]) -> bytes:
    """Changes whenever a file does, as far as its size and time tell."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(repr((file.name, file.sha256)).encode())
    for path in itertools.chain.from_iterable(map(_walk, folders)):
        try:
            status = path.stat()
        except OSError:
            continue
        digest.update(repr((str(path), status.st_size, status.st_mtime_ns)).encode("utf-8", "surrogatepass"))
    return digest.digest()


def _walk(folder: Path) -> Iterator[Path]:
    yield folder
    for root, names, leaves in os.walk(folder):
        names.sort()
        yield from (Path(root, leaf) for leaf in sorted(leaves))
