"""What children read, copied into the collection's database: a spool at a time, in one transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rlm_local.collection.identifiers import base_name, identifier, plain, quoted, stem
from rlm_local.collection.pool import Job, Task
from rlm_local.collection.reading import TEXT, Reading, loaded
from rlm_local.collection.rebuild import affinities, create, rebuild
from rlm_local.collection.records import MOST_COLUMNS
from rlm_local.collection.schema import RESERVED
from rlm_local.collection.words import segmented, topic
from rlm_local.sqlite import Database

_ALIKE = 0.6
_TELLING = 3
"""Columns that, all the same, say that records of different folders are of one kind, if they have no name."""


@dataclass
class TableForm:
    """A table of records, as far as one has to know to put more rows into it."""

    name: str
    kind: str
    suggested: str
    folder: str
    columns: dict[str, str] = field(default_factory=dict[str, str])
    """The name of each column by its key."""
    affinities: dict[str, str] = field(default_factory=dict[str, str])
    """What SQL takes each column's values for, by its name; empty as long as it has none."""
    bases: set[str] = field(default_factory=set[str])
    """Names of its files, without what comes after the last dot."""

    @property
    def form(self) -> tuple[str, str]:
        return self.kind, stem(plain(self.suggested))


class Intake:
    """Writes into a database that nobody else writes into."""

    def __init__(self, db: Database) -> None:
        self._db = db
        db.create_scalar_function("segmented", segmented, 1, deterministic=True)
        db.create_scalar_function("topic", topic, 2, deterministic=True)
        self._tables: dict[str, TableForm] = {}
        self.reload()

    def reload(self) -> None:
        """Looks again at which tables there are."""
        self._tables = {
            name: TableForm(name, kind, suggested, folder)
            for name, kind, suggested, folder in self._db.execute(
                "SELECT name, kind, suggested, folder FROM \"table\" WHERE kind <> 'documents'"
            )
        }
        for table, key, name in self._db.execute(
            'SELECT "table", key, name FROM "column" WHERE key IS NOT NULL ORDER BY position'
        ):
            if table in self._tables:
                self._tables[table].columns[key] = name
        for table in self._tables.values():
            table.affinities = affinities(self._db, table.name)
        for table, name in self._db.execute(
            'SELECT DISTINCT s."table", f.name FROM _shape s JOIN file f ON f.id = s.file'
        ):
            if table in self._tables:
                self._tables[table].bases.add(base_name(name))

    def take(self, job: Job) -> None:
        """Everything of a job, or nothing."""
        tasks = {task.id: task for task in (*job.tasks, *(task for task, _ in job.lost))}
        try:
            if job.tasks:
                self._db.execute("ATTACH ? AS spool", (str(job.out),))
                # a journal of its own on the disk would take a third file to commit both, which a killed process leaves
                self._db.execute("PRAGMA spool.journal_mode = MEMORY").fetchall()
            with self._db:
                for task, reason in job.lost:
                    self._file(task, (None, task.found.size, task.found.mtime_ns, None, None, "failed", reason))
                if job.tasks:
                    self._copy(tasks)
        finally:
            if job.tasks:
                self._db.execute("DETACH spool")
            job.out.unlink(missing_ok=True)

    def remove(self, file: int) -> None:
        """Everything that a file brought."""
        db = self._db
        span = db.execute(
            "SELECT min(p.id), max(p.id) FROM passage p JOIN document d ON d.id = p.document WHERE d.file = ?", (file,)
        ).fetchone()
        if span and span[0] is not None:
            db.execute(
                "INSERT INTO search (search, rowid, title, heading, text) SELECT 'delete', p.id,"
                " topic(d.title, d.base), segmented(p.heading), segmented(p.text)"
                " FROM passage p JOIN document d ON d.id = p.document WHERE p.id BETWEEN ? AND ?",
                span,
            )
            db.execute("DELETE FROM passage WHERE id BETWEEN ? AND ?", span)
        for table, first, last in db.execute(
            'SELECT "table", first, last FROM _extent WHERE file = ?', (file,)
        ).fetchall():
            db.execute(f"DELETE FROM {quoted(table)} WHERE _id BETWEEN ? AND ?", (first, last))
            self._touch(table)
        for table in ("_extent", "_shape", "_field", "document", "note"):
            db.execute(f"DELETE FROM {table} WHERE file = ?", (file,))
        self._touch("documents")

    def forget(self, file: int) -> None:
        """A file that is gone, and what it brought."""
        self.remove(file)
        self._db.execute("DELETE FROM file WHERE id = ?", (file,))

    def _file(self, task: Task, status: Sequence[object]) -> None:
        self.remove(task.id)
        self._db.execute("DELETE FROM file WHERE id = ? OR path = ?", (task.id, task.found.path))
        row = (task.id, task.found.path, task.found.name, *status[1:3], status[0], *status[3:])
        self._db.execute("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _copy(self, tasks: Mapping[int, Task]) -> None:
        db = self._db
        for file, sha256, size, mtime_ns, *rest in db.execute("SELECT * FROM spool.file ORDER BY id").fetchall():
            task = tasks[file]
            size = task.found.size if size is None else size
            mtime_ns = task.found.mtime_ns if mtime_ns is None else mtime_ns
            same = self._same(file, sha256) if rest[2] == "read" else None
            if same is not None:
                rest[2:] = ["duplicate", same]
                self._drop_from_spool(file)
            self._file(task, (sha256, size, mtime_ns, *rest))
        documents = self._greatest("document", "id")
        passages = self._greatest("passage", "id")
        self._documents(tasks, documents)
        db.execute(
            'INSERT INTO passage SELECT id + ?, document + ?, start, "end", heading, place, text FROM spool.passage',
            (passages, documents),
        )
        db.execute(
            "INSERT INTO search (rowid, title, heading, text)"
            " SELECT id + ?, title, topic, coalesce(words, text) FROM spool.passage",
            (passages,),
        )
        db.execute(
            "INSERT INTO _field SELECT f.document + ?, d.file, f.label, f.value"
            " FROM spool.field f JOIN spool.document d ON d.id = f.document",
            (documents,),
        )
        db.execute("INSERT INTO note SELECT document + ?, problem, place, file FROM spool.note", (documents,))
        for group in db.execute("SELECT * FROM spool.grp ORDER BY file, ordinal").fetchall():
            self._rows(tasks, documents, *group)
        self._touch("documents")

    def _same(self, file: int, sha256: str) -> str | None:
        found = self._db.execute(
            "SELECT name FROM file WHERE sha256 = ? AND status = 'read' AND id <> ?", (sha256, file)
        ).fetchone()
        return str(found[0]) if found else None

    def _drop_from_spool(self, file: int) -> None:
        db = self._db
        inside = "(SELECT id FROM spool.document WHERE file = ?)"
        for statement in (
            f"DELETE FROM spool.passage WHERE document IN {inside}",
            f"DELETE FROM spool.field WHERE document IN {inside}",
            "DELETE FROM spool.note WHERE file = ?",
            "DELETE FROM spool.grp WHERE file = ?",
            "DELETE FROM spool.document WHERE file = ?",
        ):
            db.execute(statement, (file,))

    def _greatest(self, table: str, column: str) -> int:
        return int(self._db.execute(f"SELECT coalesce(max({column}), 0) FROM {quoted(table)}").get)

    def _documents(self, tasks: Mapping[int, Task], offset: int) -> None:
        rows: list[tuple[object, ...]] = []
        taken: set[str] = set()
        for number, file, parent, inner, title, kind, characters, place, base in self._db.execute(
            "SELECT * FROM spool.document ORDER BY id"
        ):
            own = tasks[file].found.name
            name = written = f"{own} > {inner}" if inner else own
            count = 1
            while name in taken:
                count += 1
                name = f"{written} ({count})"
            taken.add(name)
            above = None if parent is None else parent + offset
            rows.append(
                (number + offset, file, above, name, title, kind, characters, place, base, own.rpartition("/")[0])
            )
        self._db.executemany("INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _rows(
        self,
        tasks: Mapping[int, Task],
        documents: int,
        group: int,
        file: int,
        ordinal: int,
        suggested: str,
        kind: str,
        parent: str | None,
        columns: str,
        readings: str,
        rows: int,
    ) -> None:
        db = self._db
        found: list[tuple[str, str, str]] = [tuple(each) for each in json.loads(columns)]
        keys = [key for _, key, _ in found]
        table = self._table(tasks[file].found.name, kind, suggested, keys, parent)
        kept = self._columns(table, found, loaded(readings))
        names = "".join(f", {quoted(table.columns[key])}" for _, key, _ in kept)
        values = "".join(f", g.{column}" for column, _, _ in kept)
        first = self._greatest(table.name, "_id") + 1
        db.execute(
            f"INSERT INTO {quoted(table.name)} (_document, _start, _end, _place, document{names})"
            f" SELECT g._document + ?1, g._start, g._end, g._place, d.name{values} FROM spool.g{group} g"
            f" JOIN document d ON d.id = g._document + ?1 ORDER BY g.rowid",
            (documents,),
        )
        last = self._greatest(table.name, "_id")
        db.execute("INSERT INTO _extent VALUES (?, ?, ?, ?)", (file, table.name, first, last))
        db.execute("INSERT INTO _shape VALUES (?, ?, ?, ?, ?)", (file, ordinal, table.name, readings, rows))
        self._touch(table.name)

    def _table(self, name: str, kind: str, suggested: str, keys: Sequence[str], parent: str | None) -> TableForm:
        folder = name.rpartition("/")[0]
        form = (kind, stem(plain(suggested)))
        known = set(keys)
        base = base_name(name)
        for table in self._tables.values():
            if table.form == form and _alike(table, known, folder, base):
                table.bases.add(base)
                return table
        own = identifier(suggested or base, self._tables.keys() | RESERVED, "records")
        table = TableForm(own, kind, suggested, folder, bases={base})
        self._tables[own] = table
        self._db.execute('INSERT INTO "table" VALUES (?, ?, 0, ?, ?, ?)', (own, kind, suggested, folder, parent))
        return table

    def _columns(
        self, table: TableForm, found: Sequence[tuple[str, str, str]], readings: Mapping[str, Reading]
    ) -> list[tuple[str, str, str]]:
        """The columns that the table has or gets."""
        kept: list[tuple[str, str, str]] = []
        texts: dict[str, str] = {}
        new = not table.columns
        for column, key, label in found:
            reading = readings.get(key, TEXT)  # what stands beside a column is text
            affinity = "" if reading.kind == "none" else reading.affinity
            if key not in table.columns:
                if len(table.columns) >= 2 * MOST_COLUMNS:
                    continue
                taken = {*table.columns.values(), "document"}
                name = identifier(label, taken, f"column_{len(table.columns) + 1}")
                table.columns[key] = name
                table.affinities[name] = affinity
                if not new:
                    self._db.execute(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {quoted(name)} {affinity}")
                self._db.execute(
                    'INSERT INTO "column" ("table", position, name, label, key) VALUES (?, ?, ?, ?, ?)',
                    (table.name, len(table.columns), name, label, key),
                )
            elif affinity == "TEXT" and table.affinities[table.columns[key]] not in ("", "TEXT"):
                texts[table.columns[key]] = "TEXT"  # else "007" would become a 7 on its way in
            kept.append((column, key, label))
        if new:
            create(self._db, table.name, table.affinities)
        if texts:
            table.affinities |= texts
            rebuild(self._db, table.name, table.affinities)
        return kept

    def _touch(self, table: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO _touched VALUES (?)", (table,))


def _words(base: str) -> list[str]:
    return stem(plain(base)).split("_")


def _are_siblings(one: str, other: str) -> bool:
    """Whether files are called as parts of one series are: sales_north and sales_south; but not trips and
    trips_planned."""
    words, others = _words(one), _words(other)
    return len(words) == len(others) and not set(words).isdisjoint(others)


def _alike(table: TableForm, keys: set[str], folder: str, base: str) -> bool:
    """Whether records with these columns are more of a table's: bookings and goals of one cup are not."""
    theirs = table.columns.keys()
    shared = len(theirs & keys)
    if table.kind != "rows":
        return 2 * shared >= min(len(theirs), len(keys))
    near = shared >= _ALIKE * (len(theirs) + len(keys) - shared)
    if table.folder == folder:
        if table.suggested or any(_words(base) == _words(other) for other in table.bases):
            return near
        if any(_are_siblings(base, other) for other in table.bases) and shared == min(len(theirs), len(keys)):
            return near  # one only has more columns
    return shared == len(theirs) == len(keys) >= (1 if table.folder == folder or table.suggested else _TELLING)
