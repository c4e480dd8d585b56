"""Data dictionaries: descriptions of the columns of other tables, in a README or in a sheet of their own.

A dictionary names each column in a row, or in a line of a list, and describes it there: "Form.Fed", "Player's former
federation". It is recognized by these names, whatever its own columns are called.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from rlm_local.collection.formats.prose.labels import label_of
from rlm_local.collection.identifiers import plain, quoted
from rlm_local.collection.safe import line
from rlm_local.collection.schema import OWN
from rlm_local.sqlite import Database

_LONGEST = 500
"""The most rows of a dictionary."""

_FEWEST = 3
"""How many columns of a table a dictionary has to name; fewer may stand in any table by chance."""

_SHARE = 0.5
"""The share of a table's columns that it has to name."""

_SAID = 120
"""How many characters of a description are kept."""

_SHORT, _MOST = 40_000, 200
"""The most characters of a text that is searched for a list of columns; the most such texts."""

_SEEN = 400
"""How many characters of a line are read."""

_DASH = re.compile(" [-\u2013\u2014] ")


def settle_dictionaries(db: Database) -> None:
    """Find which tables describe the columns of others, in place of what was found before."""
    db.execute("DELETE FROM described")
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    having: dict[str, dict[str, None]] = defaultdict(dict)  # the tables with a column of each name, in order
    for table, name, label in db.execute(
        'SELECT "table", name, label FROM "column" WHERE "table" <> \'documents\' AND key IS NOT NULL'
        ' ORDER BY "table", position'
    ):
        key = plain(label) or name
        columns[table][key] = name
        having[key][table] = None
    for dictionary, said in chain(_of_tables(db), _of_texts(db)):
        named = Counter(table for key in said for table in having.get(key, ()) if table != dictionary)
        for table, count in named.items():
            if count >= max(_FEWEST, _SHARE * len(columns[table])):
                rows = [(table, name, dictionary, said[key]) for key, name in columns[table].items() if key in said]
                db.executemany("INSERT OR IGNORE INTO described VALUES (?, ?, ?, ?)", rows)


def _of_tables(db: Database) -> Iterator[tuple[str, Mapping[str, str]]]:
    """For each small table, what its rows say beside the values of each column."""
    small = db.execute(
        "SELECT name FROM \"table\" WHERE kind <> 'documents' AND rows BETWEEN ? AND ?", (_FEWEST, _LONGEST)
    )
    for (table,) in small.fetchall():
        yield from ((table, said) for said in _said(db, table))


def _of_texts(db: Database) -> Iterator[tuple[str, Mapping[str, str]]]:
    """For each short text, what its lines say after a name: "- `seats`: Seats of the plane". The text's own fields,
    such as "Author: Kim", describe nothing."""
    short = db.execute(
        "SELECT id FROM document WHERE kind IN ('markdown', 'text') AND characters <= ? LIMIT ?", (_SHORT, _MOST)
    )
    for (document,) in short.fetchall():
        passages = db.execute("SELECT text FROM passage WHERE document = ? ORDER BY start", (document,)).fetchall()
        stated = (_stated(written[:_SEEN]) for (text,) in passages for written in text.split("\n"))
        own = {plain(label) for (label,) in db.execute("SELECT label FROM _field WHERE document = ?", (document,))}
        said = {plain(label): line(value, _SAID) for label, value in filter(None, stated) if plain(label) not in own}
        if len(said) >= _FEWEST:
            yield "", said


def _stated(written: str) -> tuple[str, str] | None:
    """A name, and what a line says after it and a colon or a dash."""
    bare = written.replace("`", "").replace('"', "")
    dash = _DASH.search(bare)
    if dash and ":" not in bare[: dash.start()]:
        bare = f"{bare[: dash.start()]}: {bare[dash.end() :]}"
    return label_of(bare)


def _said(db: Database, table: str) -> Iterator[Mapping[str, str]]:
    """For each column, what the rows say beside its different values: the longest text of the row."""
    rows = db.execute('SELECT name FROM "column" WHERE "table" = ? AND key IS NOT NULL', (table,))
    names = [str(name) for (name,) in rows if name not in OWN]
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
