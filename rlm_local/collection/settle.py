"""What follows from all files together, once some have come or gone: how columns are read, names, statistics.

Each file was read by itself. Where files that share a table say different things of a column, it is read as what fits
all of them, and the files whose values would be others then are read again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rlm_local.collection.dictionaries import settle_dictionaries
from rlm_local.collection.fields import settle_documents
from rlm_local.collection.identifiers import base_name, identifier, plain, quoted, stem
from rlm_local.collection.reading import NONE, TEXT, Reading, dumped, is_kept, joined, loaded
from rlm_local.collection.rebuild import affinities, rebuild
from rlm_local.collection.references import settle_references
from rlm_local.collection.schema import RESERVED
from rlm_local.collection.statistics import describe
from rlm_local.sqlite import Database

Readings = dict[str, Reading]

_FEW = 0.03
"""Of a table's rows: files with no more do not make its columns text."""
_SAYS_NOTHING = frozenset(("sheet", "table", "tabelle", "feuille", "hoja", "blatt", "records", "data", "rows"))


def settle_columns(db: Database) -> dict[int, dict[int, Readings]]:
    """The columns of tables that changed as all their files have them; which files have to be read again, and how."""
    again: dict[int, dict[int, Readings]] = defaultdict(dict)
    with db:
        for (table,) in db.execute('SELECT "table" FROM _touched WHERE "table" <> \'documents\'').fetchall():
            shapes = [
                (file, ordinal, loaded(readings), rows)
                for file, ordinal, readings, rows in db.execute(
                    'SELECT file, ordinal, readings, rows FROM _shape WHERE "table" = ? ORDER BY file, ordinal',
                    (table,),
                )
            ]
            if not shapes:
                _drop(db, table)
                continue
            whole = _whole([(readings, rows) for _, _, readings, rows in shapes])
            _columns(db, table, whole)
            for file, ordinal, readings, _ in shapes:
                if any(not is_kept(reading, whole[key]) for key, reading in readings.items()):
                    again[file][ordinal] = {key: whole[key] for key in readings}
    return dict(again)


def _whole(shapes: Sequence[tuple[Mapping[str, Reading], int]]) -> Readings:
    by_key: dict[str, list[tuple[Reading, int]]] = defaultdict(list)
    for readings, rows in shapes:
        for key, reading in readings.items():
            by_key[key].append((reading, rows))
    return {key: _joined(found) for key, found in by_key.items()}


def _joined(found: Sequence[tuple[Reading, int]]) -> Reading:
    rows = sum(count for reading, count in found if reading.kind != "none")
    texts = sum(count for reading, count in found if reading.kind == "text")
    whole = NONE
    for reading, _ in found:
        if reading.kind != "text" or texts > _FEW * rows:
            whole = joined(whole, reading)
    return whole


def _drop(db: Database, table: str) -> None:
    db.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
    for statement in ('DELETE FROM "table" WHERE name = ?', 'DELETE FROM "column" WHERE "table" = ?',
                      'DELETE FROM _touched WHERE "table" = ?'):  # fmt: skip
        db.execute(statement, (table,))


def _columns(db: Database, table: str, whole: Readings) -> None:
    """The table with the columns that its files have, each of the type that it is read as."""
    own = db.execute(
        'SELECT name, key, label FROM "column" WHERE "table" = ? AND key IS NOT NULL ORDER BY position', (table,)
    ).fetchall()
    kept: dict[str, str] = {}
    for name, key, _ in own:
        reading = whole.get(key)
        if reading is None:
            base, _, beside = key.rpartition(" (")
            if beside[:-1] != whole.get(base, NONE).beside:
                db.execute('DELETE FROM "column" WHERE "table" = ? AND name = ?', (table, name))
                continue
            reading = TEXT
        kept[name] = "" if reading.kind == "none" else reading.affinity
        db.execute(
            'UPDATE "column" SET reading = ? WHERE "table" = ? AND name = ?', (dumped({"": reading}), table, name)
        )
    if kept != affinities(db, table):
        rebuild(db, table, kept)


def settle_tables(db: Database) -> None:
    """Names, statistics and references of tables, the documents' view; after which the collection is whole."""
    with db:
        for (table,) in db.execute(
            'SELECT rowid FROM "table" WHERE name IN (SELECT "table" FROM _touched) AND kind <> \'documents\''
            " ORDER BY suggested <> '', rowid"
        ).fetchall():
            _describe(db, _named(db, table))
        settle_documents(db)
        if db.execute("SELECT 1 FROM _touched LIMIT 1").fetchone():
            settle_references(db)
            settle_dictionaries(db)
        db.execute("DELETE FROM _touched")


def _named(db: Database, row: int) -> str:
    """Gives a table its name; one that is named after its file takes that from a table whose text suggests the same."""
    own = 'SELECT name, suggested, folder FROM "table" WHERE rowid = ?'
    table, suggested, folder = db.execute(own, (row,)).fetchall()[0]
    files = [
        str(name)
        for (name,) in db.execute(
            'SELECT DISTINCT f.name FROM _shape s JOIN file f ON f.id = s.file WHERE s."table" = ? ORDER BY f.name',
            (table,),
        )
    ]
    wanted = _name(suggested, folder, files)
    others = {
        str(name): bool(of_text)
        for name, of_text in db.execute("SELECT name, suggested <> '' FROM \"table\" WHERE name <> ?", (table,))
    }
    name = identifier(wanted, RESERVED, "records")
    if others.get(name) and not suggested:
        _rename(db, name, identifier(wanted, {table, *others} | RESERVED, "records"))
    else:
        name = identifier(wanted, others.keys() | RESERVED, "records")
    if name != table:
        _rename(db, table, name)
    return name


def _rename(db: Database, table: str, name: str) -> None:
    db.execute(f"ALTER TABLE {quoted(table)} RENAME TO {quoted(name)}")
    db.execute('UPDATE "table" SET name = ? WHERE name = ?', (name, table))
    for own in ('"column"', "_shape", "_extent"):
        db.execute(f'UPDATE {own} SET "table" = ? WHERE "table" = ?', (name, table))


def _name(suggested: str, folder: str, files: Sequence[str]) -> str:
    said = stem(plain(suggested))
    if said and said not in _SAYS_NOTHING:
        return said if len(files) > 1 else plain(suggested)
    bases = [plain(base_name(file)) for file in files]
    if len(bases) == 1:
        return bases[0]
    first, *others = (stem(base).split("_") for base in bases)
    shared = [word for word in dict.fromkeys(first) if word and all(word in words for words in others)]
    return "_".join(shared) or folder.rpartition("/")[2] or bases[0]


def _describe(db: Database, table: str) -> None:
    _show_document(db, table)
    own = db.execute(
        'SELECT name, label, reading FROM "column" WHERE "table" = ? ORDER BY position', (table,)
    ).fetchall()
    names = [name for name, _, _ in own]
    readings = {name: loaded(reading)[""] for name, _, reading in own}
    described = describe(db, table, names, readings, {name: label for name, label, _ in own})
    db.executemany(
        'UPDATE "column" SET type = ?, unit = ?, given = ?, distinct_values = ?, least = ?, greatest = ?, common = ?,'
        ' position = ? WHERE "table" = ? AND name = ?',
        [(*row, place, table, name) for place, (name, row) in enumerate(zip(names, described, strict=True), 1)],
    )
    db.execute(f'UPDATE "table" SET rows = (SELECT count(*) FROM {quoted(table)}) WHERE name = ?', (table,))


def _show_document(db: Database, table: str) -> None:
    """The document that a row is from is a column like others where there are several: of a file for each month or
    office, it says which. It has no key, as no file gives it."""
    db.execute('DELETE FROM "column" WHERE "table" = ? AND key IS NULL', (table,))
    first, last = db.execute(f"SELECT min(_document), max(_document) FROM {quoted(table)}").fetchall()[0]
    if first != last:
        db.execute(
            'INSERT INTO "column" ("table", position, name, label, reading)'
            " SELECT ?1, 1 + max(position), 'document', 'document', ?2 FROM \"column\" WHERE \"table\" = ?1",
            (table, dumped({"": TEXT})),
        )
