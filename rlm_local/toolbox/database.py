"""The collection as a database that can be asked and not changed.

What must not happen cannot happen here anyway: the file is mounted read-only and all of this runs in the sandbox. What
is refused is refused so that the answer is a plain word instead of an odd failure.
"""

import contextlib
import sqlite3
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from .errors import SqlError
from .functions import AGGREGATES, FOLDING, FUNCTIONS, Aggregate
from .row import Row, Rows, row_type
from .semantic import FUNCTIONS as SEMANTIC
from .semantic import HostCall, Semantic, mentioned

MOST_ROWS = 10_000
MOST_CHARACTERS = 32_000_000
"""Of all texts in a result."""
MOST_STEPS = 4_000_000_000
"""Of SQLite's virtual machine; the time limit of a cell usually comes first."""

_STEPS = 200_000  # between looks at what has come up: some milliseconds
_LENGTH = 64 << 20  # bytes of a value
_CACHE = 64 << 10  # KiB of pages
_BATCH = 500
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: _LENGTH,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 200_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 500,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 200,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 5_000,
}
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_REFUSED = {"load_extension", "fts3_tokenizer"}


class Database:
    """One file, opened when it is first asked.

    Args:
        path: of an SQLite database that nobody changes meanwhile.
        call: the host call, which semantic functions are answered by.
        say: told what a result does not show.
    """

    def __init__(self, path: str, call: HostCall, say: Callable[[str], object] = print) -> None:
        self._path, self._say = path, say
        self._semantic = Semantic(call, self._select, say)
        self._raised: BaseException | None = None
        """What Python raised inside SQLite, which passes on no more than that something was."""
        self._steps = 0

    def sql(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
        """The rows of a SELECT, at most MOST_ROWS of them; where there are more, that is said.

        Raises:
            SqlError: the query is wrong, wants to change something, or takes too many steps.
            MemoryError, KeyboardInterrupt: it reached a limit of the session.
        """
        if mentioned(query) and (answered := self._semantic.answer(query)):
            if parameters:
                raise SqlError("a query with semantic functions takes no parameters: write the values into it")
            query, parameters = answered
        return self.looked_up(query, parameters)

    def looked_up(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
        """The same, but that no model is asked: its functions say what it has said before, or NULL.

        Raises:
            SqlError: as `sql`; or it has never been asked such a question.
        """
        with self._cursor(query, parameters) as cursor:
            return self._rows(cursor, MOST_ROWS, MOST_CHARACTERS)

    def whole(self, query: str, parameters: Sequence[Any] = ()) -> Rows:
        """All rows of a query of the tools' own, however many."""
        with self._cursor(query, parameters) as cursor:
            return self._rows(cursor, sys.maxsize, sys.maxsize)

    def _select(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as they are."""
        with self._cursor(query, parameters) as cursor:
            return cursor.fetchall()

    @contextlib.contextmanager
    def _cursor(self, query: str, parameters: Sequence[Any] | Mapping[str, Any]) -> Generator[sqlite3.Cursor]:
        connection = self._plain if query.isascii() and _ascii(parameters) else self._folding
        self._raised, self._steps = None, 0
        try:
            with contextlib.closing(connection.execute(query, parameters)) as cursor:
                yield cursor
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
            raise self._explained(error) from None

    def _rows(self, cursor: sqlite3.Cursor, most: int, room: int) -> Rows:
        if cursor.description is None:
            raise SqlError("there is no query: write a SELECT")
        columns = [str(each[0]) for each in cursor.description]
        make, rows = row_type(columns), list[Row]()
        while batch := cursor.fetchmany(_BATCH):
            for values in batch:
                room -= sum(len(value) for value in values if isinstance(value, str | bytes))
                if len(rows) == most or room < 0:
                    self._say(f"[sql: only the first {len(rows):,} rows; count, group or limit in the query instead]")
                    return Rows(rows, columns, more=True)
                rows.append(make(values))
        return Rows(rows, columns)

    def _explained(self, error: Exception) -> BaseException:
        """What a query is to raise for what SQLite raised."""
        raised, message = self._raised, str(error)
        if isinstance(raised, Exception) and not isinstance(raised, MemoryError):
            return SqlError(f"{message}: {raised}")
        if self._steps > MOST_STEPS:
            return SqlError(f"the query was stopped after {MOST_STEPS:,} steps: it compares too many rows")
        if raised is not None or message == "interrupted" or message.startswith("user-defined"):
            # An interrupt that comes as one of our functions is entered comes before that can keep it.
            return raised or KeyboardInterrupt()
        if "authoriz" in message:
            return SqlError(f"{message}: this database can only be read, with SELECT")
        return SqlError(f"{message}{self._hint(message)}")

    def _hint(self, message: str) -> str:
        """What there is, where a name is not."""
        schema = (
            "SELECT m.name, {} FROM sqlite_schema m {} WHERE m.type IN ('table', 'view') AND m.name NOT LIKE '\\_%'"
        )
        if message.startswith("no such table"):
            names = [row[0] for row in self._plain.execute(f"{schema.format('0', '')} ESCAPE '\\'")]
            return f"; there are: {', '.join(names[:100])}"
        return ""

    # ---- connections

    @cached_property
    def _plain(self) -> sqlite3.Connection:
        return self._connect(FUNCTIONS)

    @cached_property
    def _folding(self) -> sqlite3.Connection:
        return self._connect({**FUNCTIONS, **FOLDING})

    def _connect(self, functions: Mapping[str, Callable[..., Any]]) -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{self._path}?immutable=1&mode=ro", uri=True, isolation_level=None)
        for pragma in (f"cache_size=-{_CACHE}", "mmap_size=0", "temp_store=memory", "query_only=1"):
            connection.execute(f"PRAGMA {pragma}")
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        for name, function in functions.items():
            connection.create_function(name, -1, self._kept(function), deterministic=True)
        for name in SEMANTIC:
            connection.create_function(name, -1, self._kept(partial(self._semantic.value, name)))
        for name, aggregate in AGGREGATES.items():
            connection.create_aggregate(name, 1, partial(_Kept, aggregate, self._kept))
        _open_virtual_tables(connection)
        connection.set_authorizer(self._authorize)
        connection.set_progress_handler(self._progress, _STEPS)
        return connection

    def _kept(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function; what it raises is kept."""

        def call(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except BaseException as error:
                self._raised = error
                raise

        return call

    def _authorize(self, action: int, one: str | None, two: str | None, _database: str | None, _by: str | None) -> int:
        if action == sqlite3.SQLITE_FUNCTION and two in _REFUSED:
            return sqlite3.SQLITE_DENY
        # FTS5 asks for the version of the data before each search.
        if action in _READING or (action == sqlite3.SQLITE_PRAGMA and one == "data_version" and two is None):
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    def _progress(self) -> int:
        """Not 0 to stop. An interrupt of the cell is raised in here, where Python runs."""
        try:
            self._steps += _STEPS
            return int(self._steps > MOST_STEPS)
        except BaseException as error:  # noqa: BLE001 - SQLite would drop it
            self._raised = error
            return 1


class _Kept:
    """An aggregate; what it raises is kept."""

    def __init__(self, aggregate: type[Aggregate], keep: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        inner = aggregate()
        self.step, self.finalize = keep(inner.step), keep(inner.finalize)


def _open_virtual_tables(connection: sqlite3.Connection) -> None:
    """While nothing is refused yet: a virtual table declares itself, by what looks like a change of the schema, when it
    is first used."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%'").fetchall()
    for (name,) in [("json_each",), *tables]:
        quoted = str(name).replace('"', '""')
        with contextlib.suppress(sqlite3.Error):  # a module that is not here; whoever uses the table will hear of it
            connection.execute(f'SELECT 1 FROM "{quoted}" LIMIT 0')  # noqa: S608


def _ascii(parameters: Sequence[Any] | Mapping[str, Any]) -> bool:
    values = parameters.values() if isinstance(parameters, Mapping) else parameters
    return all(value.isascii() for value in values if isinstance(value, str))
