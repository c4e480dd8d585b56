"""Queries over tables that are made here, by `sql()` as cells have it: in the guest, and natively."""

import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rlm_local.engine.toolbox import hand_over
from rlm_local.toolbox.database import Database
from rlm_sandbox import Session

_FLIGHTS, _PLANES, _PASSAGES = 340_000, 3_000, 40_000
_WORDS = 150  # of a passage
_VOCABULARY = 20_000

QUERIES = {
    "a scan of 340,000 rows": """
        SELECT COUNT(*), AVG(delay) FROM flight WHERE delay > 30 AND origin <> 'A07'""",
    "a self-join of 100,000 rows": """
        SELECT COUNT(*) FROM flight a JOIN flight b ON b.id = a.next WHERE a.id < 100000 AND b.delay > a.delay""",
    "a join of 340,000 rows with 3,000": """
        SELECT maker, COUNT(*), AVG(delay) FROM flight JOIN plane ON plane.id = flight.plane GROUP BY maker""",
    "a match in 40,000 passages": """
        SELECT rowid FROM search WHERE search MATCH 'w7 AND (w11 OR w13)' ORDER BY rank LIMIT 20""",
}

_TIMED = """
import json, time
def _timed(query):
    sql(query)
    wall, processor = time.perf_counter(), time.process_time()
    sql(query)
    return time.perf_counter() - wall, time.process_time() - processor
"""

Times = dict[str, list[float]]
"""Query -> seconds on the wall, seconds by the processor."""


def fill(path: Path) -> None:
    """Make the tables. A passage has 150 words, of which the first ones are common."""
    draw = random.Random(1)  # noqa: S311 - the same each time
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE plane (id INTEGER PRIMARY KEY, maker TEXT);"
        "CREATE TABLE flight (id INTEGER PRIMARY KEY, next INTEGER, plane INTEGER, origin TEXT, delay REAL);"
        "CREATE VIRTUAL TABLE search USING fts5 (text, content='')"
    )
    connection.executemany("INSERT INTO plane VALUES (?, ?)", ((n, f"maker {n % 40}") for n in range(_PLANES)))
    flights = (
        (n, draw.randrange(_FLIGHTS), draw.randrange(_PLANES), f"A{n % 30:02}", draw.gauss(10, 30))
        for n in range(_FLIGHTS)
    )
    connection.executemany("INSERT INTO flight VALUES (?, ?, ?, ?, ?)", flights)
    passages = (
        (n, " ".join(f"w{int(_VOCABULARY * draw.random() ** 4)}" for _ in range(_WORDS))) for n in range(_PASSAGES)
    )
    connection.executemany("INSERT INTO search (rowid, text) VALUES (?, ?)", passages)
    connection.commit()
    connection.close()


def natively(path: Path) -> Times:
    """By SQLite as this Python has it."""
    database = Database(str(path), _unasked)
    scope: dict[str, Callable[[str], Any]] = {"sql": database.sql}
    exec(_TIMED, scope)  # noqa: S102 - the same lines in both
    return {name: list(scope["_timed"](query)) for name, query in QUERIES.items()}


def in_guest(session: Session, path: Path) -> Times:
    """By SQLite in the sandbox, over the same file."""
    hand_over(session, path)
    done = session.run(f"{_TIMED}\nprint(json.dumps({{n: _timed(q) for n, q in {QUERIES!r}.items()}}))")
    return json.loads(done.output)


def _unasked(*_arguments: Any, **_named: Any) -> None:
    raise AssertionError("no query asks the host")
