"""Fields of documents as columns: the view `documents` over the table of fields."""

from collections import Counter

from rlm_local.collection.column import Column
from rlm_local.collection.formats.part import Cell
from rlm_local.collection.identifiers import identifier, plain, quoted
from rlm_local.collection.reading import Reading, dumped
from rlm_local.collection.schema import DOCUMENTS
from rlm_local.collection.statistics import describe
from rlm_local.sqlite import Database

MOST = 200
"""How many fields become columns: the most common ones."""

_MOST_NESTED = 20
"""How many names inside one field are columns; if there are more, they are values: projects, languages, people."""

_TAKEN = frozenset(("document", "name", "title", "kind", "folder", "characters", "text", "id"))
STANDING = "document name title kind folder characters".split()
"""Columns that all documents have, besides their fields."""

_AT_ONCE = 2_000


def settle_documents(db: Database) -> None:
    """Make the table of fields and the view over it again, if any document has changed."""
    if not db.execute("SELECT 1 FROM _touched WHERE \"table\" = 'documents'").fetchone():
        return
    db.execute(f"DROP VIEW IF EXISTS documents; DROP TABLE IF EXISTS {DOCUMENTS}")
    db.execute('DELETE FROM "column" WHERE "table" = \'documents\'; DELETE FROM "table" WHERE name = \'documents\'')
    labels = _labels(db)
    names: dict[str, str] = {}
    for label in labels:
        names[label] = identifier(label, _TAKEN | set(names.values()), f"field_{len(names) + 1}")
    readings = {label: _reading(db, label) for label in labels}
    columns = "".join(f", {quoted(names[label])} {readings[label].affinity}" for label in labels)
    db.execute(f"CREATE TABLE {DOCUMENTS} (_id INTEGER PRIMARY KEY{columns})")
    _fill(db, names, readings)
    fields = "".join(f", f.{quoted(name)}" for name in names.values())
    db.execute(
        f"CREATE VIEW documents AS SELECT d.name AS document, d.base AS name, d.title, d.kind, d.folder, d.characters"
        f"{fields}, (SELECT group_concat(text, '') FROM (SELECT p.text FROM passage p WHERE p.document = d.id"
        f" ORDER BY p.id)) AS text FROM document d LEFT JOIN {DOCUMENTS} f ON f._id = d.id"
    )
    _describe(db, names, readings)


def _labels(db: Database) -> list[str]:
    """The labels of the fields that become columns, in the order in which they first occur."""
    rows = db.execute(
        "SELECT label, count(*), min(rowid) FROM _field WHERE value IS NOT NULL GROUP BY label"
    ).fetchall()
    nested = Counter(label.partition(".")[0] for label, _, _ in rows if "." in label)
    named = [row for row in rows if nested[row[0].partition(".")[0]] <= _MOST_NESTED and not _is_title(db, row[0])]
    common = sorted(named, key=lambda row: (-row[1], row[2]))[:MOST]
    return [label for label, _, _ in sorted(common, key=lambda row: row[2])]


def _is_title(db: Database, label: str) -> bool:
    """Whether a field only repeats the column `title`."""
    if plain(label) != "title":
        return False
    found = db.execute(
        "SELECT d.title, f.value FROM _field f JOIN document d ON d.id = f.document WHERE f.label = ?", (label,)
    )
    return all(" ".join(str(value).split()).startswith(title) for title, value in found)


def _reading(db: Database, label: str) -> Reading:
    column = Column(label, label)
    values = [_given(value) for (value,) in db.execute("SELECT value FROM _field WHERE label = ?", (label,))]
    column.values(values)
    return column.again() or column.reading


def _given(value: Cell) -> Cell:
    """A field as its document has it; a flag stays the word that is written there."""
    return value == "true" if value in ("true", "false") else value


def _fill(db: Database, names: dict[str, str], readings: dict[str, Reading]) -> None:
    places = {label: place for place, label in enumerate(names)}
    columns = [Column(label, label, readings[label]) for label in names]
    rows: dict[int, list[object]] = {}
    for document, label, value in db.execute("SELECT document, label, value FROM _field ORDER BY document"):
        if label in places:
            if document not in rows and len(rows) >= _AT_ONCE:
                _insert(db, columns, rows)
                rows = {}
            rows.setdefault(document, [None] * len(names))[places[label]] = _given(value)
    if rows:
        _insert(db, columns, rows)


def _insert(db: Database, columns: list[Column], rows: dict[int, list[object]]) -> None:
    cells = zip(*rows.values(), strict=True)
    values = [column.values(each)[0] for column, each in zip(columns, cells, strict=True)]  # pyright: ignore
    marks = ", ".join("?" * (1 + len(columns)))
    db.executemany(f"INSERT INTO {DOCUMENTS} VALUES ({marks})", zip(rows, *values, strict=True))


def _describe(db: Database, names: dict[str, str], readings: dict[str, Reading]) -> None:
    count = db.execute("SELECT count(*) FROM document").get
    db.execute("INSERT INTO \"table\" VALUES ('documents', 'documents', ?, '', '', NULL)", (count,))
    by_name = {names[label]: reading for label, reading in readings.items()}
    labels = {name: label for label, name in names.items()} | {name: name for name in STANDING}
    own = describe(db, "documents", STANDING, {"characters": Reading("integer")}, labels)
    said = describe(db, DOCUMENTS, list(by_name), by_name, labels)
    rows = zip((*STANDING, *by_name), (*own, *said), strict=True)
    db.executemany(
        'INSERT INTO "column" ("table", position, name, label, type, unit, given, distinct_values, least, greatest,'
        " common, reading, key) VALUES ('documents', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (place, name, labels[name], *row, dumped({"": by_name.get(name, Reading("text"))}), name)
            for place, (name, row) in enumerate(rows, 1)
        ],
    )
