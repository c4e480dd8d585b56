"""A collection as the rest of the program uses it: opened, brought up to date, and read."""

import hashlib
import json
import os
import re
import shutil
import sys
import weakref
from collections.abc import Collection as Some
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock as ThreadLock
from types import TracebackType
from typing import Any, TextIO

import apsw

from rlm_local.collection.documents import Documents
from rlm_local.collection.errors import CollectionError
from rlm_local.collection.formats import PROSE
from rlm_local.collection.info import Column, FileInfo, Passage, Reference, Remark, Table
from rlm_local.collection.ingest import Ingest, plan
from rlm_local.collection.progress import Progress, Step
from rlm_local.collection.scan import Found, Scan, Skipped
from rlm_local.collection.search import MOST_RANKED, ranked
from rlm_local.collection.sources import Sources
from rlm_local.collection.store import Lock, Stop, is_current, open_reading, open_writing, opened_pages, trouble
from rlm_local.collection.temporary import spilled, temporary_folder
from rlm_local.collection.words import phrases, segmented
from rlm_local.home import Home
from rlm_local.sqlite import Pages
from rlm_local.vault import Key

_FEW = 20
"""A table in prose with at most this many rows is an aside."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)


class Collection:
    """An open collection: a database that nobody changes while it is open. A context manager, and safe for threads.

    Made by `open` and `of`.
    """

    def __init__(
        self,
        path: Path,
        lock: Lock,
        skipped: Sequence[Skipped],
        temporary: Path | None = None,
        key: Key | None = None,
    ) -> None:
        self.path = path
        self._key = key
        self._lock = lock
        # If somebody forgets to close it, no document's text is left behind.
        self._clean = weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True) if temporary else None
        self._scanned = tuple(skipped)
        self._db = open_reading(path, key)
        self._using = ThreadLock()
        self._pages: Pages | None = None

    @classmethod
    def open(
        cls,
        paths: Iterable[str | Path] = (),
        *,
        home: Home | None = None,
        name: str | None = None,
        uploads: Sequence[tuple[str, Path]] = (),
        fresh: bool = False,
        again: bool = False,
        stdin: TextIO | None = None,
        progress: Progress | None = None,
        cancel: Stop | None = None,
    ) -> "Collection":
        """Open the collection of some files and folders, and bring it up to date first.

        Args:
            paths: what it is made from; "-" is standard input, which is not kept. With a name, they are added to the
                collection of that name; without paths, that collection is opened as it is.
            uploads: more files, as (name, path), which get these names. They may lie in a state directory.
            fresh: read everything again, into a temporary folder that is removed at the end.
            again: try again to read files that could not be read, even if they have not changed.

        Raises:
            CollectionError: a path does not exist, a name is not known, the disk is full, a newer version made it, or
                it was cancelled.
        """
        given = list(dict.fromkeys(map(str, paths)))
        home = home or Home.default()
        if fresh or "-" in given:
            key = Key.made() if home.key else None
            return cls._fresh(given, stdin or sys.stdin, key, progress, cancel)
        sources = [Path(path) for path in given]
        for source in sources:
            if not os.path.lexists(source):
                raise CollectionError(f"{source} does not exist", remedy="Check the spelling of the path.")
        resolved = [Path(os.path.realpath(source)) for source in sources]
        if name is not None and not _NAME.fullmatch(name):
            raise CollectionError(f"{name!r} is no name", remedy="Use letters, digits, '.', '_' and '-'.")
        added = Sources(tuple(map(str, resolved)), tuple((called, str(path)) for called, path in uploads))
        path = home.collections / f"{name or added.key}.db"
        if name is not None and not resolved and not path.exists():
            raise CollectionError(f"there is no collection {name!r}", remedy="See: rlm-local collection list")
        return cls._kept(path, added, home.key, again, progress, cancel)

    @classmethod
    def of(cls, documents: Mapping[str, str], *, sealed: bool = False) -> "Collection":
        """A collection of texts by name, which is not kept; its temporary files may be sealed."""
        folder, key = temporary_folder(), Key.made() if sealed else None
        return cls._filled(folder, spilled(documents, folder, key), [], key, None, None)

    @classmethod
    def _kept(
        cls,
        path: Path,
        added: Sources,
        key: Key | None,
        again: bool,
        progress: Progress | None,
        cancel: Stop | None,
    ) -> "Collection":
        def told(text: str) -> None:
            if progress is not None:
                progress(Step(note=text))

        lock = Lock(path)
        try:
            lock.take("shared", told, cancel)
            skipped = list[Skipped]()
            if is_current(path, key):
                db = open_reading(path, key)
                try:
                    known = Sources.of(db)
                    scan = (known | added).scan()
                    skipped = scan.skipped
                    current = known == known | added and plan(db, scan, again=again).is_nothing
                finally:
                    db.close()
                if current:
                    return cls(path, lock, skipped, key=key)
            lock.take("exclusive", told, cancel)
            skipped = _write(path, added, key, again, progress, cancel)
            lock.take("shared", told, cancel)
            return cls(path, lock, skipped, key=key)
        except BaseException:
            lock.close()
            raise

    @classmethod
    def _fresh(
        cls,
        given: Sequence[str],
        stdin: TextIO,
        key: Key | None,
        progress: Progress | None,
        cancel: Stop | None,
    ) -> "Collection":
        folder = temporary_folder()
        scan = Scan([Path(path) for path in given if path != "-"])
        files = list(scan)
        if "-" in given:
            files += spilled({"stdin": stdin.read()}, folder, key)
        return cls._filled(folder, files, scan.skipped, key, progress, cancel)

    @classmethod
    def _filled(
        cls,
        folder: Path,
        files: Sequence[Found],
        skipped: Sequence[Skipped],
        key: Key | None,
        progress: Progress | None,
        cancel: Stop | None,
    ) -> "Collection":
        path = folder / "fresh.db"
        try:
            db = open_writing(path, key)
            try:
                Ingest(db, path, progress, cancel, key=key).run(plan(db, files), Sources(), skipped)
            finally:
                db.close()
            return cls(path, Lock(path), skipped, folder, key)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def close(self) -> None:
        with self._using:
            self._db.close()
            self._pages = None
            self._lock.close()
            if self._clean is not None:
                self._clean()

    def __enter__(self) -> "Collection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows of one of our own queries; queries that a model wrote are never run here."""
        with self._using:
            try:
                return self._db.execute(statement, tuple(values)).fetchall()
            except apsw.Error as error:
                raise trouble(self.path, error) from error

    @property
    def sealed(self) -> bool:
        """Whether it is sealed on the disk."""
        return self._key is not None

    @property
    def pages(self) -> Path | int:
        """The database in a form that any SQLite can read: its path or, if it is sealed, a descriptor of memory with
        its unsealed pages, which all collections that are open in a process share."""
        if self._key is None:
            return self.path
        with self._using:
            if self._pages is None:
                self._pages = opened_pages(self.path, self._db)
            return self._pages.descriptor

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The tables of records, by name; then tables of a few rows in prose, which are mere asides; and last, if there
        are documents, the table of the documents and their fields."""
        columns: dict[str, list[Column]] = {}
        for table, common, about, *rest in self.rows(
            "SELECT c.\"table\", common, coalesce(about, ''), name, label, type, unit, given, distinct_values, least,"
            ' greatest FROM "column" c LEFT JOIN described d ON d."table" = c."table" AND d."column" = name'
            ' ORDER BY c."table", position'
        ):
            pairs = [(value, times) for value, times in json.loads(common)]
            columns.setdefault(table, []).append(Column(*rest, common=pairs, about=about))
        of_records = (
            'SELECT e."table" FROM _extent e JOIN file f ON f.id = e.file'
            f" WHERE f.format NOT IN ({', '.join('?' * len(PROSE))})"
        )
        rows = self.rows(
            "SELECT name, CASE WHEN name IN (SELECT dictionary FROM described) THEN 'dictionary' ELSE kind END, rows"
            " FROM \"table\" ORDER BY kind = 'documents',"
            f" kind = 'rows' AND rows <= {_FEW} AND name NOT IN ({of_records}), name",
            tuple(PROSE),
        )
        return tuple(Table(name, kind, count, tuple(columns.get(name, ()))) for name, kind, count in rows)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        return tuple(Reference(*row) for row in self.rows("SELECT * FROM reference"))

    @cached_property
    def documents(self) -> Documents:
        """The documents, in the order of the collection's text."""
        return Documents(self.rows)

    @property
    def files(self) -> tuple[FileInfo, ...]:
        """The files that were found, in order of their names."""
        rows = self.rows(
            "SELECT path, name, size, coalesce(format, ''), status, coalesce(reason, '') FROM file ORDER BY name"
        )
        return tuple(FileInfo(*row) for row in rows)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What is not in it, and why: files that failed or were left out, duplicates, and what was not looked at."""
        reason = "CASE status WHEN 'duplicate' THEN 'the same as ' || reason ELSE reason END"
        rows = self.rows(f"SELECT name, {reason} FROM file WHERE status <> 'read' ORDER BY name")
        return (*(Skipped(*row) for row in rows), *self._scanned)

    @property
    def notes(self) -> tuple[Remark, ...]:
        """Problems in what was read."""
        rows = self.rows(
            "SELECT coalesce(d.name, f.name, ''), n.problem, n.place FROM note n"
            " LEFT JOIN document d ON d.id = n.document"
            " LEFT JOIN file f ON f.id = n.file ORDER BY n.rowid"
        )
        return tuple(Remark(*row) for row in rows)

    @property
    def sources(self) -> tuple[str, ...]:
        """What it is made from: paths, and names of uploads."""
        with self._using:
            return Sources.of(self._db).names

    @cached_property
    def sha256(self) -> str:
        """A hash of the names and contents of all files that were read."""
        rows = self.rows("SELECT name, sha256 FROM file WHERE status = 'read' ORDER BY name")
        return hashlib.sha256(json.dumps(rows).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def characters(self) -> int:
        """The length of the collection's text: all documents one after another, each followed by a line end."""
        return self.documents.characters

    def text(self, start: int = 0, end: int | None = None) -> str:
        """A stretch of the collection's text."""
        end = self.characters if end is None else min(end, self.characters)
        start = max(0, start)
        pieces: list[str] = []
        for number, begins, ends in self.documents.between(start, end):
            low, high = max(start, begins) - begins, min(end, ends) - begins
            rows = self.rows(
                'SELECT start, text FROM passage WHERE document = ? AND "end" > ? AND start < ? ORDER BY id',
                (number, low, high),
            )
            pieces += [text[max(0, low - at) : max(0, high - at)] for at, text in rows]
            if start <= ends < end:
                pieces.append("\n")
        return "".join(pieces)

    def span(self, start: int, end: int) -> tuple[str, int, int]:
        """The document in which a stretch begins, and the stretch's span in it."""
        document = self.documents.at(start)
        return document.name, start - document.start, min(end, document.end) - document.start

    def search(
        self,
        words: str | Iterable[str],
        k: int = 8,
        documents: Some[int] | None = None,
        most: int = MOST_RANKED,
    ) -> list[Passage]:
        """The passages with the most telling of the words, best first.

        Args:
            documents: ids of the documents to search; None for all.
            most: how many passages are ranked at most. If more have one of the words, only the rarest are searched.
        """
        found = ranked(self.rows, phrases(words), k, documents, most)
        return [self._passage(*row) for row in found]

    def holds(self, phrase: str) -> bool:
        """Whether the words of a phrase stand one after another in some passage, whatever separates them."""
        words = segmented(phrase).replace('"', " ")
        return bool(self.rows("SELECT 1 FROM search WHERE search MATCH ? LIMIT 1", (f'"{words}"',)))

    def passages(self, document: int) -> list[Passage]:
        """The passages of the document with an id, in order; joined, they are its text."""
        rows = self.rows(
            'SELECT p.id, p.document, d.name, d.title, p.heading, p.place, p.start, p."end", p.text, 0.0'
            " FROM passage p JOIN document d ON d.id = p.document WHERE p.document = ? ORDER BY p.id",
            (document,),
        )
        return [self._passage(*row) for row in rows]

    def _passage(
        self, number: int, document: int, name: str, title: str, heading: str, place: str, start: int, end: int,
        text: str, rank: float,
    ) -> Passage:  # fmt: skip
        begins = self.documents.start_of(document)
        return Passage(number, name, title, heading, place, begins + start, begins + end, text, rank)


def _write(
    path: Path, added: Sources, key: Key | None, again: bool, progress: Progress | None, cancel: Stop | None
) -> list[Skipped]:
    db = open_writing(path, key)
    try:
        sources = Sources.of(db) | added
        scan = sources.scan()
        work = plan(db, scan, again=again)
        Ingest(db, path, progress, cancel, key=key).run(work, sources, scan.skipped)
    finally:
        db.close()
    return scan.skipped
