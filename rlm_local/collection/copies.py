"""Records that are there twice: as a CSV file and as JSON, as open data often is.

The same bytes under two names are told before they are read. The same records in two forms are told here: files of one
name but another format, whose rows are equal in every table that they have. One of them is kept, or each count over
them would be double.
"""

from collections import defaultdict
from collections.abc import Iterator

from rlm_local.collection.identifiers import quoted
from rlm_local.collection.intake import Intake
from rlm_local.collection.schema import OWN
from rlm_local.sqlite import Database

_LEAST = 2
"""Rows: a single one may be the same by chance."""

_VALUE = "CASE WHEN {0} GLOB '[0-9]*' AND {0} NOT GLOB '*[^0-9]*' THEN CAST({0} AS INTEGER) ELSE {0} END"
"""What is compared of a cell: "013" in one form is 13 in another."""

_Extents = dict[str, tuple[int, int]]
"""The first and the last row of a file, by table."""


def drop_copies(db: Database, intake: Intake) -> bool:
    """Makes files duplicates that say in another form what one says that is kept; whether there were any.

    A duplicate has the hash of what it is the same as: it is read again once that is gone or another.
    """
    found = [(kept, copy) for kept, copy in _candidates(db) if _are_equal(db, kept, copy)]
    with db:
        for kept, copy in found:
            intake.remove(copy)
            db.execute(
                "UPDATE file SET status = 'duplicate', (sha256, reason) = (SELECT sha256, name FROM file WHERE id = ?)"
                " WHERE id = ?",
                (kept, copy),
            )
    return bool(found)


def _candidates(db: Database) -> Iterator[tuple[int, int]]:
    """Files with tables that were touched, of the same name before the dot, with equally many rows in each table."""
    forms: dict[int, tuple[str, str]] = {}
    rows: dict[int, dict[str, int]] = defaultdict(dict)
    for file, name, form, table, count in db.execute(
        'SELECT f.id, f.name, f.format, e."table", sum(e.last - e.first + 1) FROM _extent e'
        ' JOIN file f ON f.id = e.file WHERE e."table" IN (SELECT "table" FROM _touched)'
        ' GROUP BY f.id, e."table" ORDER BY f.id'
    ):
        forms[file] = name.rpartition("/")[2].rpartition(".")[0], form
        rows[file][table] = count
    alike: dict[tuple[str, tuple[tuple[str, int], ...]], int] = {}
    for file, counts in rows.items():
        stem, form = forms[file]
        kept = alike.setdefault((stem, tuple(counts.items())), file)
        if forms[kept][1] != form and max(counts.values()) >= _LEAST:
            yield kept, file


def _are_equal(db: Database, first: int, other: int) -> bool:
    ours, theirs = _extents(db, first), _extents(db, other)
    return ours.keys() == theirs.keys() and all(_have_same_rows(db, each, ours[each], theirs[each]) for each in ours)


def _extents(db: Database, file: int) -> _Extents:
    found = db.execute('SELECT "table", min(first), max(last) FROM _extent WHERE file = ? GROUP BY "table"', (file,))
    return {table: (first, last) for table, first, last in found}


def _have_same_rows(db: Database, table: str, first: tuple[int, int], other: tuple[int, int]) -> bool:
    names = [str(row[1]) for row in db.execute(f"PRAGMA table_info({quoted(table)})")]
    columns = [_VALUE.format(quoted(name)) for name in names if name not in (*OWN, "document")]
    places = ", ".join(str(place) for place in range(1, len(columns) + 1))
    rows = f"SELECT {', '.join(columns)}, count(*) FROM {quoted(table)} WHERE _id BETWEEN ? AND ? GROUP BY {places}"
    return not db.execute(f"{rows} EXCEPT {rows} LIMIT 1", (*first, *other)).fetchone()
