"""Records that are there twice: as a CSV file and as JSON or in a workbook, as open data often is.

The same bytes under two names are told before they are read. The same records in two forms are told here: files of one
name but another suffix, where one has all records of the other. The other one goes, or each count over them would be
double. A file that says more than its records goes only if it has all sets of records of the one that is kept; one
that is read for its words, only if the other one is, too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rlm_local.collection.formats import PROSE
from rlm_local.collection.identifiers import base_name, quoted
from rlm_local.collection.intake import Intake
from rlm_local.collection.reading import loaded
from rlm_local.sqlite import Database

_LEAST = 2
"""Rows: a single one may be the same by chance."""

_MOST_COMPARED = 8
"""How many files a file is compared with."""

_VALUE = "CASE WHEN {0} GLOB '[0-9]*' AND {0} NOT GLOB '*[^0-9]*' THEN CAST({0} AS INTEGER) ELSE {0} END"
"""What is compared of a cell: "013" in one form is 13 in another."""


@dataclass(frozen=True)
class _Set:
    """The rows of one file in one table: `columns` are its columns with values, by their keys."""

    table: str
    first: int
    last: int
    columns: tuple[tuple[str, str], ...]

    @property
    def form(self) -> tuple[int, tuple[str, ...]]:
        """What sets of the same rows have in common: how many rows there are, and the keys of their columns."""
        return self.last - self.first + 1, tuple(key for key, _ in self.columns)


@dataclass(frozen=True)
class _File:
    number: int
    base: str
    suffix: str
    sets: tuple[_Set, ...]
    bare: bool  # nothing but records
    prose: bool

    @property
    def forms(self) -> frozenset[tuple[int, tuple[str, ...]]]:
        return frozenset(each.form for each in self.sets)


def drop_copies(db: Database, intake: Intake) -> bool:
    """Makes files duplicates that say in another form what one says that is kept; whether there were any.

    A duplicate has the hash of what it is the same as: it is read again once that is gone or another.
    """
    found = _copies(db)
    with db:
        for copy in found:
            kept = copy
            while kept in found:
                kept = found[kept]
            intake.remove(copy)
            db.execute(
                "UPDATE file SET status = 'duplicate', (sha256, reason) = (SELECT sha256, name FROM file WHERE id = ?)"
                " WHERE id = ?",
                (kept, copy),
            )
    return bool(found)


def _copies(db: Database) -> dict[int, int]:
    """For each file that is to go, one that has all its records: itself kept, or another that is to go."""
    found: dict[int, int] = {}
    for files in _namesakes(db):
        for copy in reversed(files):  # of two that are the same, the later one goes
            others = [
                other
                for other in files
                if other.number not in found and other.suffix != copy.suffix and copy.forms <= other.forms
            ]
            for other in others[:_MOST_COMPARED]:
                whole = copy.forms == other.forms and copy.prose <= other.prose
                if (copy.bare or whole) and _has(db, other, copy):
                    found[copy.number] = other.number
                    break
    return found


def _namesakes(db: Database) -> Iterator[list[_File]]:
    """Files with the same name before the dot and several suffixes, if one of their tables was touched."""
    suffixes: dict[str, dict[int, str]] = defaultdict(dict)
    touched: set[str] = set()
    for file, name, new in db.execute(
        'SELECT f.id, f.name, max(e."table" IN (SELECT "table" FROM _touched)) FROM _extent e'
        " JOIN file f ON f.id = e.file GROUP BY f.id ORDER BY f.id"
    ):
        base = base_name(name)
        suffixes[base][file] = name.rpartition(".")[2].lower()
        if new:
            touched.add(base)
    named: dict[str, Sequence[tuple[str, str]]] = {}
    for base in sorted(touched):
        if len(set(suffixes[base].values())) > 1:
            files = [_file(db, named, number, base, suffix) for number, suffix in suffixes[base].items()]
            yield [file for file in files if any(rows >= _LEAST for rows, _ in file.forms)]


def _file(db: Database, named: dict[str, Sequence[tuple[str, str]]], number: int, base: str, suffix: str) -> _File:
    keys: dict[str, set[str]] = defaultdict(set)
    for table, readings in db.execute('SELECT "table", readings FROM _shape WHERE file = ?', (number,)):
        keys[table].update(key for key, reading in loaded(readings).items() if reading.kind != "none")
    sets: list[_Set] = []
    for table, first, last in db.execute(
        'SELECT "table", min(first), max(last) FROM _extent WHERE file = ? GROUP BY "table"', (number,)
    ).fetchall():
        if table not in named:
            query = 'SELECT key, name FROM "column" WHERE "table" = ? AND key IS NOT NULL ORDER BY key'
            named[table] = [(str(key), str(name)) for key, name in db.execute(query, (table,))]
        sets.append(_Set(table, first, last, tuple(each for each in named[table] if each[0] in keys[table])))
    others = db.execute("SELECT 1 FROM document WHERE file = ? AND kind <> 'table' LIMIT 1", (number,)).fetchone()
    form = db.execute("SELECT format FROM file WHERE id = ?", (number,)).get
    return _File(number, base, suffix, tuple(sets), others is None, others is not None and form in PROSE)


def _has(db: Database, whole: _File, part: _File) -> bool:
    """Whether each set of records of a file is one of another file, row for row."""
    theirs: Mapping[object, list[_Set]] = defaultdict(list)
    for each in whole.sets:
        theirs[each.form].append(each)
    return all(any(_are_equal(db, each, other) for other in theirs[each.form]) for each in part.sets)


def _are_equal(db: Database, one: _Set, other: _Set) -> bool:
    if not one.columns:
        return False
    rows = f"{_rows(one)} EXCEPT {_rows(other)} LIMIT 1"
    return not db.execute(rows, (one.first, one.last, other.first, other.last)).fetchone()


def _rows(rows: _Set) -> str:
    columns = ", ".join(_VALUE.format(quoted(name)) for _, name in rows.columns)
    places = ", ".join(str(place) for place in range(1, len(rows.columns) + 1))
    return f"SELECT {columns}, count(*) FROM {quoted(rows.table)} WHERE _id BETWEEN ? AND ? GROUP BY {places}"
