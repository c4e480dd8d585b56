"""Data dictionaries: tables that say what the columns of others mean, as a README or a sheet of its own has them.

A dictionary names each column in a row, and describes it beside: "Form.Fed", "Player's former federation". It is told
by its values, whatever its own columns are called.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rlm_local.collection.identifiers import plain, quoted
from rlm_local.collection.safe import line
from rlm_local.collection.schema import OWN
from rlm_local.sqlite import Database

_LONGEST = 500
"""Rows of a dictionary."""

_FEWEST = 3
"""Columns of a table that a dictionary names: fewer may stand in any table by chance."""

_SHARE = 0.5
"""Of the columns of a table that it names."""

_SAID = 120
"""Characters that are kept of what is said of a column."""


def settle_dictionaries(db: Database) -> None:
    """Find anew which tables describe the columns of others."""
    db.execute("DELETE FROM described")
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    for table, name, label in db.execute(
        'SELECT "table", name, label FROM "column" WHERE "table" <> \'documents\' ORDER BY "table", position'
    ):
        columns[table][plain(label) or name] = name
    small = db.execute(
        "SELECT name FROM \"table\" WHERE kind <> 'documents' AND rows BETWEEN ? AND ?", (_FEWEST, _LONGEST)
    )
    for (dictionary,) in small.fetchall():
        for said in _said(db, dictionary):
            for table, names in columns.items():
                named = names.keys() & said.keys()
                if table != dictionary and len(named) >= max(_FEWEST, _SHARE * len(names)):
                    rows = [(table, names[key], dictionary, said[key]) for key in names if key in named]
                    db.executemany("INSERT OR IGNORE INTO described VALUES (?, ?, ?, ?)", rows)


def _said(db: Database, table: str) -> Iterator[Mapping[str, str]]:
    """What a table says beside the different values of each of its columns: the longest text of the row."""
    own = {"document", *OWN}
    names = [name for (name,) in db.execute('SELECT name FROM "column" WHERE "table" = ?', (table,)) if name not in own]
    if len(names) < 2:
        return
    rows = db.execute(f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table)}").fetchall()
    for place in range(len(names)):
        keys = [plain(row[place]) if isinstance(row[place], str) else "" for row in rows]
        if len({*keys} - {""}) >= max(_FEWEST, len(rows) / 2):
            yield {key: _longest(row, place) for key, row in zip(keys, rows, strict=True) if key}


def _longest(row: Sequence[object], apart: int) -> str:
    texts = [str(value) for place, value in enumerate(row) if place != apart and value is not None]
    return line(max(texts, key=len, default=""), _SAID)
