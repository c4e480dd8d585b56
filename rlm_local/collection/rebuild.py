"""A table of records made, and made again where its columns are to be taken for something else."""

from collections.abc import Mapping

from rlm_local.collection.identifiers import quoted
from rlm_local.collection.schema import OWN
from rlm_local.sqlite import Database

_NEW = "_rebuilt"


def create(db: Database, table: str, columns: Mapping[str, str]) -> None:
    """An empty table of records; `columns` are the types, in SQL, of its columns by their names."""
    named = "".join(f", {quoted(name)} {affinity}" for name, affinity in columns.items())
    db.execute(
        f"CREATE TABLE {quoted(table)} (_id INTEGER PRIMARY KEY, _document INTEGER, _start INTEGER, _end INTEGER,"
        f" _place TEXT{named}, document TEXT)"
    )


def affinities(db: Database, table: str) -> dict[str, str]:
    """The types, in SQL, of a table's columns by their names, without those that each table has."""
    rows = db.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
    return {str(name): str(affinity) for name, affinity in rows if name not in OWN and name != "document"}


def rebuild(db: Database, table: str, columns: Mapping[str, str]) -> None:
    """The table with these columns, some of those it has, and these types; its rows keep their numbers."""
    create(db, _NEW, columns)
    names = ", ".join(map(quoted, (*OWN, *columns, "document")))
    db.execute(f"INSERT INTO {_NEW} ({names}) SELECT {names} FROM {quoted(table)} ORDER BY _id")
    db.execute(f"DROP TABLE {quoted(table)}")
    db.execute(f"ALTER TABLE {_NEW} RENAME TO {quoted(table)}")
