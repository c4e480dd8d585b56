"""Collections of a server: what a question is over, brought up to date for each question."""

from collections.abc import Sequence
from pathlib import Path

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.events import Listener, ignore
from rlm_local.engine.records import open_view
from rlm_local.home import Home
from rlm_local.models import Cancel
from rlm_local.serve.files import FileStore, StoredFile


class Collections:
    """Shared folders are collections as those of the command line are, uploads under their own names beside them.

    Safe to use from many threads: one that has to wait for another says so.

    Args:
        shared: folders that everyone may ask about; they are likely to be asked about together.
    """

    def __init__(self, home: Home, files: FileStore, shared: Sequence[Path] = ()) -> None:
        self._home = home
        self._files = files
        self._shared = frozenset(shared)
        self._asked: dict[tuple[Path, ...], None] = dict.fromkeys([tuple(shared)] if shared else [])

    def open(
        self, files: Sequence[StoredFile], folders: Sequence[Path], cancel: Cancel, tell: Listener = ignore
    ) -> View:
        """The documents of uploaded files and shared folders, as they are now; whoever opens it closes it.

        Raises:
            CollectionError: a folder is gone, or there is nothing to read.
            Cancelled, DeadlineExceeded: by `cancel`, while they were read.
        """
        if folders and not files and self._shared.issuperset(folders):
            self._asked[tuple(folders)] = None
        uploads = [(file.name, self._files.path(file)) for file in files]
        return open_view(folders, "the documents", home=self._home, cancel=cancel, tell=tell, uploads=uploads)

    def refresh(self, cancel: Cancel) -> None:
        """Reads what has changed in shared folders that were asked about, so that the next question need not.

        Raises:
            CollectionError: a folder is gone, or its collection cannot be written.
            Cancelled: by `cancel`.
        """
        for folders in tuple(self._asked):
            Collection.open(folders, home=self._home, cancel=cancel).close()
