"""Tools of a cell over a collection. This runs inside the sandbox, where nothing is at stake, as the package `toolbox`:
plain Python with the standard library alone, tested as such.

    sql(query, parameters)      the rows of a SELECT over the collection, as `Row`s
    SqlError                    what is wrong with a query, in SQLite's words
"""

from .database import Database
from .errors import SqlError
from .row import Row, Rows

__all__ = ["Row", "Rows", "SqlError", "sql"]

COLLECTION = "/collection.db"
"""Where the collection's file is mounted."""

_database = Database(COLLECTION)
sql = _database.sql
