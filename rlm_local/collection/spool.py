"""What was read of some files, in a small database that the writer copies from: written by the process that parses.

file       what became of each, by its number in the batch
document, passage, field, note    with numbers of their own, which the writer adds to
grp        the sets of records, one row for each set of each file; the rows of set 3 stand in the table g3
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import apsw

from rlm_local.collection.formats.part import Cell, Document, Note, Part, Rows, Text
from rlm_local.collection.passages import Cut, Passages
from rlm_local.collection.reading import Reading, written
from rlm_local.collection.records import Records
from rlm_local.collection.safe import cleaned, line
from rlm_local.collection.words import segmented, topic
from rlm_local.sqlite import connect
from rlm_local.vault import Key

_SCHEMA = """
PRAGMA page_size = 8192; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -16000;
CREATE TABLE file (id INTEGER PRIMARY KEY, sha256, size, mtime_ns, format, parser, status, reason);
CREATE TABLE document (id INTEGER PRIMARY KEY, file, parent, name, title, kind, characters, place, base);
CREATE TABLE passage (id INTEGER PRIMARY KEY, document, start, "end", heading, place, text, title, words, topic);
CREATE TABLE field (document, label, value);
CREATE TABLE note (document, problem, place, file);
CREATE TABLE grp (id INTEGER PRIMARY KEY, file, ordinal, suggested, kind, parent, columns, readings, rows);
"""
_MOST_FIELDS = 200
_MOST_NOTES = 100
_LONGEST_FIELD = 2_000


class Again(Exception):  # noqa: N818  not a failure
    """A column turned out to be something else than its first rows said: the file is read once more."""

    def __init__(self, readings: Mapping[int, Mapping[str, Reading]]) -> None:
        super().__init__("columns are read another way")
        self.readings = readings


class Spool:
    """Takes the parts of files, one file after another."""

    def __init__(self, path: Path, key: Key | None = None) -> None:
        self._db = connect(path, key=key)
        self._db.execute(_SCHEMA).fetchall()
        self._db.execute("BEGIN")
        self._documents = 0
        self._groups = 0
        self._file = 0

    def close(self) -> None:
        self._db.execute("COMMIT")
        self._db.close()

    def read(self, file: int, name: str, parts: Iterable[Part], imposed: Mapping[int, Mapping[str, Reading]]) -> None:
        """The parts of a file of that name, all or nothing.

        Raises:
            Again: nothing is kept, and some columns are to be read another way.
            Exception: whatever the parts raise.
        """
        self._db.execute("SAVEPOINT file")
        before = self._documents, self._groups
        try:
            _File(self, file, name, imposed).take(parts)
        except (apsw.FullError, apsw.IOError):  # all of it is rolled back, and of no use any more
            raise
        except BaseException:
            self._db.execute("ROLLBACK TO file; RELEASE file").fetchall()
            self._documents, self._groups = before
            raise
        self._db.execute("RELEASE file")

    def status(self, file: int, values: Sequence[object]) -> None:
        """What became of a file: sha256, size, mtime_ns, format, parser, status, reason."""
        self._db.execute("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (file, *values))

    # what `_File` writes

    def document(self, file: int, first: int, document: Document, base: str) -> int:
        self._documents += 1
        parent = None if document.parent is None else first + document.parent + 1
        row = (self._documents, file, parent, line(document.name), line(document.title), document.kind, 0,
               line(document.place), base)  # fmt: skip
        self._db.execute("INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        fields = list(document.fields.items())[:_MOST_FIELDS]
        if fields:
            self._db.executemany(
                "INSERT INTO field VALUES (?, ?, ?)",
                [(self._documents, line(label), _short(value)) for label, value in fields],
            )
        return self._documents

    @property
    def documents(self) -> int:
        return self._documents

    def passages(self, document: int, title: str, cuts: Sequence[Cut]) -> None:
        self._db.executemany(
            'INSERT INTO passage (document, start, "end", heading, place, text, title, words, topic)'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (document, c.start, c.end, c.heading, c.place, c.text, title, _other(c.text), segmented(c.heading))
                for c in cuts
            ],
        )

    def characters(self, document: int, characters: int) -> None:
        self._db.execute("UPDATE document SET characters = ? WHERE id = ?", (characters, document))

    def note(self, file: int, document: int | None, problem: str, place: str = "") -> None:
        self._db.execute("INSERT INTO note VALUES (?, ?, ?, ?)", (document, line(problem), line(place), file))

    def group(self) -> int:
        self._groups += 1
        return self._groups

    def begin(self, group: int, columns: Sequence[str]) -> None:
        self._db.execute(f"DROP TABLE IF EXISTS g{group}")
        self._db.execute(f"CREATE TABLE g{group} ({', '.join(('_document', '_start', '_end', '_place', *columns))})")

    def widen(self, group: int, column: str) -> None:
        self._db.execute(f"ALTER TABLE g{group} ADD COLUMN {column}")

    def rows(self, group: int, columns: int, rows: Iterable[Sequence[object]]) -> None:
        marks = ", ".join("?" * (4 + columns))
        self._db.executemany(f"INSERT INTO g{group} VALUES ({marks})", rows)

    def grouped(self, group: int, row: Sequence[object]) -> None:
        self._db.execute("INSERT INTO grp VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (group, *row))


class _File:
    """One file's parts on their way into a spool."""

    def __init__(self, spool: Spool, file: int, name: str, imposed: Mapping[int, Mapping[str, Reading]]) -> None:
        self._spool, self._number, self._name = spool, file, name
        self._first = spool.documents
        self._document: int | None = None
        self._title = ""
        self._passages = Passages()
        self._records = Records(spool, imposed)
        self._notes = 0

    def take(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if isinstance(part, Text):
                self._begun()
                self._cut(self._passages.add(Text(cleaned(part.text), line(part.heading), line(part.place))))
            elif isinstance(part, Rows):
                self._records.add(part, self._begun())
            elif isinstance(part, Document):
                self._end()
                self._begin(part)
            else:
                self._note(part)
        self._begun()
        self._end()
        readings = self._records.end(self._number)
        if readings:
            raise Again(readings)

    def _begin(self, document: Document) -> None:
        base = line(document.name) or self._name.rpartition("/")[2]
        self._document = self._spool.document(self._number, self._first, document, base)
        self._title = topic(line(document.title), base)
        self._passages = Passages()

    def _begun(self) -> int:
        if self._document is None:
            self._begin(Document())
        assert self._document is not None  # noqa: S101
        return self._document

    def _cut(self, cuts: Iterable[Cut]) -> None:
        found = list(cuts)
        if found:
            self._spool.passages(self._begun(), self._title, found)

    def _end(self) -> None:
        if self._document is not None:
            self._cut(self._passages.end())
            self._spool.characters(self._document, self._passages.characters)

    def _note(self, note: Note) -> None:
        self._notes += 1
        if self._notes <= _MOST_NOTES:
            self._spool.note(self._number, self._document, note.problem, note.place)


def _other(text: str) -> str | None:
    """The text as the index has it, where that is not the text."""
    words = segmented(text)
    return None if words is text or words == text else words


def _short(value: Cell) -> Cell:
    if isinstance(value, bool):
        return written(value)  # SQLite would make a number of it
    return cleaned(value)[:_LONGEST_FIELD] if isinstance(value, str) else value
