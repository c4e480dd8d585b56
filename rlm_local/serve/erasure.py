"""Deletion: runs, uploaded files and collections, each with all that was derived from it, and a report of it.

What is deleted is gone from every file of the state directory: rows are overwritten where they stood, and the logs that
SQLite writes ahead are emptied. What a file system keeps of files that it has deleted is its own: snapshots, backups,
and the spare blocks of an SSD.
"""

import json
import os
import time
from collections.abc import Container, Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from rlm_local.collection.shelf import drop, entries
from rlm_local.errors import StoreError
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.log.database import Database
from rlm_local.models.leaves import forget_leaves
from rlm_local.models.shelf import clear_shelf
from rlm_local.serve.audit import AuditLog
from rlm_local.serve.files import MESSAGES, FileStore, StoredFile
from rlm_local.serve.jobs import JobBook
from rlm_local.serve.state import open_state


@dataclass(frozen=True)
class Removed:
    """What a deletion took away.

    Attributes:
        runs: by their ids.
        files: uploaded ones, by their ids.
        collections: by their names.
        values: texts and other values in the log that no other run had: questions, prompts, passages, answers.
        leaf_answers: what the model had said of items. These are not kept by run: all go that may be of these runs.
        kv: files of evaluated prompts, likewise.
        left: what still holds some of it, in words: training sets that were made from these runs, runs that follow them
            in a conversation, and an audit log that was told to keep questions as they are.
    """

    runs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    values: int = 0
    leaf_answers: int = 0
    kv: int = 0
    left: tuple[str, ...] = ()


class Erasure:
    """Deletes, for whoever may: that is checked before.

    Raises:
        StoreError: from every method: it could not be recorded, and nothing is deleted; or it is deleted, but its bytes
            could not be overwritten yet. The same once more goes on from there.
    """

    def __init__(self, home: Home, store: RunStore, state: Database, audit: AuditLog) -> None:
        self._home = home
        self._store = store
        self._state = state
        self._jobs = JobBook(state)
        self._files = FileStore(state, home.serve / "files", key=home.key)
        self._audit = audit

    @property
    def uploads(self) -> FileStore:
        return self._files

    def resolve(self, run: str) -> str:
        """The whole id of a run: as `RunStore.get` takes it, or of one that was asked of the server and never began.

        Raises:
            UsageError: no run, or several.
        """
        return run if self._jobs.find(run) else self._store.resolve(run)

    def runs(self, who: str, runs: Iterable[str]) -> Removed:
        """Runs, by their whole ids, with the texts that came in their messages."""
        return self._remove(who, tuple(dict.fromkeys(runs)), ())

    def files(self, who: str, files: Sequence[StoredFile], *, keep_runs: bool = False) -> Removed:
        """Uploaded files, and the runs over them unless these are kept: a run's log quotes what it read."""
        uses = {} if keep_runs else self._jobs.uses()
        return self._remove(who, tuple({run: None for file in files for run in uses.get(file.id, ())}), files)

    def collections(self, who: str, names: Sequence[str], *, keep_runs: bool = True) -> Removed:
        """Collections; the files that they were made from stay as they are. Where runs are not kept, those over any of
        these files and folders go, too.

        Raises:
            CollectionError: there is none of a name, or somebody uses it; those before it are gone.
        """
        sources = {source for entry in entries(self._home) if entry.key in names for source in entry.sources.names}
        over = () if keep_runs else self._store.over(sources)
        return self._remove(who, over, (), names)

    def older(
        self, who: str, moment: float, *, uploads: bool = False, spare: Container[str] = (), owner: str | None = None
    ) -> Removed:
        """The runs that began before a moment, in seconds since 1970, and what is kept of calls of that time.

        Args:
            uploads: whether uploaded files of that time go, too, unless a run that stays is over them.
            spare: runs that stay: those under way.
            owner: whose runs; None: all, those of the command line, too.
        """
        asked = [run for run in self._jobs.before(moment) if owner in (None, self._jobs.get(None, run).owner)]
        logged = self._store.before(moment) if owner is None else ()
        runs = tuple(run for run in dict.fromkeys((*asked, *logged)) if run not in spare)
        files = self._unused(moment, runs) if uploads else ()
        if not runs and not files:
            return Removed()
        return self._remove(who, runs, files, before=moment)

    def _unused(self, moment: float, runs: Sequence[str]) -> tuple[StoredFile, ...]:
        uses, going = self._jobs.uses(), set(runs)
        return tuple(f for f in self._files.list(None) if f.made < moment and uses.get(f.id, set()) <= going)

    def _remove(
        self,
        who: str,
        runs: tuple[str, ...],
        files: Sequence[StoredFile],
        named: Sequence[str] = (),
        *,
        before: float | None = None,
    ) -> Removed:
        going = {file.id: file for file in (*files, *self._messages_of(runs))}
        collections = tuple(dict.fromkeys((*named, *self._made_of(going.values()))))
        self._audit.record(who, "delete", runs=runs, files=tuple(going), collections=collections)
        for collection in collections:
            drop(self._home, collection)
        values = self._store.delete(runs)
        for file in going.values():
            self._files.delete(file)
        self._jobs.delete(runs)
        moment = time.time() + 1 if before is None else before
        removed = Removed(
            runs=runs,
            files=tuple(going),
            collections=collections,
            values=values,
            leaf_answers=self._forget_leaves(moment),
            kv=clear_shelf(self._home.kv, moment),
            left=(
                *_made_from(self._home.training, frozenset(runs)),
                *self._followed(frozenset(runs)),
                *self._recorded({*runs, *going}),
            ),
        )
        self._store.scrub()
        self._state.scrub()
        return removed

    def _messages_of(self, runs: tuple[str, ...]) -> list[StoredFile]:
        """The texts out of messages that only these runs are over."""
        uses, going = self._jobs.uses(), set(runs)
        only = {file for file, over in uses.items() if over <= going}
        return [file for file in self._files.list(None) if file.purpose == MESSAGES and file.id in only]

    def _made_of(self, files: Iterable[StoredFile]) -> tuple[str, ...]:
        """The collections that were made from any of these uploads."""
        gone = {str(self._files.path(file)) for file in files}
        return tuple(entry.key for entry in entries(self._home) if any(path in gone for _, path in entry.sources.named))

    def _followed(self, runs: frozenset[str]) -> Iterable[str]:
        for run in self._store.followers(runs):
            if run not in runs:
                yield f"run {run} follows one of these, and its log quotes what was asked and answered: delete it, too"

    def _recorded(self, ids: Container[object]) -> Iterable[str]:
        if count := self._audit.in_clear(ids):
            yield f"the audit log has {count} questions or names of files of these as they were written"

    def _forget_leaves(self, before: float) -> int:
        path = self._home.root / "leaves.sqlite"
        try:
            return forget_leaves(path, before, key=self._home.key)
        except apsw.Error as error:
            raise StoreError(
                f"what the model said of items cannot be deleted from {path}: {error}",
                remedy="End what uses it and delete once more, or delete that file: it only saves time",
            ) from error


@contextmanager
def open_erasure(home: Home) -> Generator[Erasure]:
    """For a state directory, whether or not a server is using it."""
    with closing(open_state(home)) as state, RunStore(home.runs, home.key) as store:
        yield Erasure(home, store, state, AuditLog.of(home))


def _made_from(training: Path, runs: frozenset[str]) -> Iterable[str]:
    """The training sets of the state directory that have samples of any of some runs: their reports name them."""
    for folder, _, names in os.walk(training):
        if "report.json" not in names:
            continue
        try:
            made = json.loads((Path(folder) / "report.json").read_text("utf-8")).get("runs", ())
        except (OSError, ValueError, AttributeError):
            continue
        if count := len(runs.intersection(made)):
            yield f"{folder} was made from {count} of these runs: build it again, or delete it"
