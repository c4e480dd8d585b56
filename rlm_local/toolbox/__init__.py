"""Tools of a cell over a collection. This runs inside the sandbox, where nothing is at stake, as the package `toolbox`:
plain Python with the standard library alone, tested as such.

    sql(query, parameters)      the rows of a SELECT over the collection, as `Row`s; its functions judge, classify,
                                extract and answer are answered by a model
    SqlError                    what is wrong with a query, in SQLite's words
"""

from collections.abc import Callable, Sequence
from typing import Any

from .cell import Tools
from .database import Database
from .errors import SqlError
from .row import Row, Rows

__all__ = ["COLLECTION", "Database", "Row", "Rows", "SqlError", "install"]

COLLECTION = "/collection.db"
"""Where the collection's file is mounted."""


def install(namespace: dict[str, Any], call: Callable[..., Any], only: Sequence[int] | None = None) -> Tools:
    """Put the tools into a namespace, with `call` for the host call; `only` are the documents that are looked at."""
    tools = Tools(call, Database(COLLECTION, call), only)
    tools.install(namespace)
    return tools
