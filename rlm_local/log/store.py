"""The log of runs: begin one, list them, read one back, export it."""

import json
import os
import secrets
import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from rlm_local.errors import UsageError
from rlm_local.log.database import Database
from rlm_local.log.deletion import delete
from rlm_local.log.outline import RunOutline, outline
from rlm_local.log.reader import Reader
from rlm_local.log.record import NodeRecord, Outcome, RunRecord, RunStart, RunSummary
from rlm_local.log.writer import RunLog
from rlm_local.sqlite import Database as Connection
from rlm_local.sqlite import Row
from rlm_local.vault import Key

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that reads like a digit."""

_EPOCH = 1_767_225_600
"""2026-01-01, from which run ids count; six digits last until 2060."""


class RunStore:
    """The log in one SQLite file, made where it is missing, readable by its owner alone. A context manager.

    Any number of threads and processes may use one file at once.

    Args:
        path: the file; its directory exists.
        key: what it is sealed with, if it is.

    Raises:
        StoreError: from every method, where the file cannot be opened, read or written, is damaged, or was written by
            a newer rlm-local.
    """

    def __init__(self, path: Path, key: Key | None = None) -> None:
        self._database = Database(path, key=key)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "RunStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def begin(self, start: RunStart, run_id: str | None = None) -> RunLog:
        """A new run, on the disk when this returns; its id is made here, unless `new_run_id` has made it before."""
        db = self._database
        with db.writing() as connection:
            run_id = run_id or _next_run_id(connection)
            row = (
                run_id,
                time.time(),
                db.put_text(start.question),
                None if start.task_id is None else db.put_text(start.task_id),
                db.put_json(start.sources),
                start.context_sha256,
                start.context_tokens,
                start.documents,
                start.model,
                start.model_sha256,
                start.template_sha256,
                start.prompt_version,
                start.author,
                start.policy,
                db.put_json(start.limits),
                start.seed,
                start.price,
                start.resumes,
                None if start.answer_schema is None else db.put_json(start.answer_schema),
                start.follows,
                None if start.understood is None else db.put_json(start.understood),
                start.length,
            )
            return RunLog(db, db.insert("run", (None, *row)), run_id)

    def list(self, limit: int) -> list[RunSummary]:
        """The latest runs, the last one first."""
        with self._database.reading() as connection:
            reader = Reader(self._database, connection)
            rows = connection.execute("SELECT * FROM run ORDER BY id DESC LIMIT ?", (limit,)).fetchall()
            return [reader.summary(row) for row in rows]

    def latest(self) -> Iterator[RunSummary]:
        """All runs, the last one first, read as they are asked for."""
        for rows in self._database.latest("run"):
            with self._database.reading() as connection:
                reader = Reader(self._database, connection)
                page = [reader.summary(row) for row in rows]
            yield from page

    def summary(self, run_id: str) -> RunSummary | None:
        """The run of that very id."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM run WHERE run_id = ?", (run_id,)).fetchone()
            return Reader(self._database, connection).summary(row) if row else None

    def resolve(self, run: str) -> str:
        """The whole id of a run; `run` is as for `get`."""
        with self._database.reading() as connection:
            return _find(connection, run)["run_id"]

    def get(self, run: str) -> RunRecord:
        """A whole run.

        Args:
            run: its id, the start of one where only one run has it, or `last`.

        Raises:
            UsageError: no run, or several.
        """
        with self._database.reading() as connection:
            return Reader(self._database, connection).run(_find(connection, run))

    def outline(self, run: str) -> RunOutline:
        """A run's tree without what its nodes saw and wrote; `run` is as for `get`.

        It takes three queries, however many nodes there are.
        """
        with self._database.reading() as connection:
            return outline(self._database, connection, _find(connection, run))

    def node(self, run: str, node: int) -> NodeRecord:
        """One whole node of a run; `run` is as for `get`.

        Raises:
            UsageError: no such run, or no such node in it.
        """
        with self._database.reading() as connection:
            record = Reader(self._database, connection).node(_find(connection, run), node)
        if record is None:
            raise UsageError(f"there is no node {node} in run {run}")
        return record

    def known(self, runs: Iterable[str]) -> set[str]:
        """Those of some ids whose runs are there."""
        with self._database.reading() as connection:
            query = "SELECT 1 FROM run WHERE run_id = ?"
            return {run for run in runs if connection.execute(query, (run,)).fetchone()}

    def followers(self, runs: Container[str]) -> tuple[str, ...]:
        """The ids of the runs that follow any of some in a conversation, the first one first."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT run_id, follows FROM run WHERE follows IS NOT NULL ORDER BY id")
            return tuple(run_id for run_id, followed in rows if followed in runs)

    def before(self, moment: float) -> tuple[str, ...]:
        """The ids of the runs that began before a moment, in seconds since 1970, the first one first."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT run_id FROM run WHERE started < ? ORDER BY id", (moment,))
            return tuple(run_id for (run_id,) in rows)

    def over(self, sources: Container[str]) -> tuple[str, ...]:
        """The ids of the runs over any of some sources, which are whole paths, the first one first."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT run_id, sources FROM run ORDER BY id").fetchall()
            return tuple(
                run_id
                for run_id, digest in rows
                if any(os.path.realpath(source) in sources for source in self._database.get_json(digest))
            )

    def delete(self, runs: Iterable[str]) -> int:
        """Takes runs out of the log, by their whole ids, with every value that no other run has.

        One that is under way ends with an error, at its next step. What is not there is not missed. Their bytes are
        gone after `scrub`.

        Returns:
            How many values went.
        """
        with self._database.writing() as connection:
            query = "SELECT id FROM run WHERE run_id = ?"
            found = [row[0] for run in runs if (row := connection.execute(query, (run,)).fetchone())]
            return delete(connection, found) if found else 0

    def scrub(self) -> None:
        """Leaves nothing of deleted runs in the file and beside it.

        Raises:
            StoreError: another process has read it for too long.
        """
        self._database.scrub()

    def score(self, outcome: Outcome) -> None:
        """Keep what a run came to, once."""
        db = self._database
        with db.writing() as connection:
            row = (
                _find(connection, outcome.run_id)["id"],
                outcome.split,
                outcome.group,
                outcome.branch,
                outcome.forced,
                db.put_text(outcome.expected),
                outcome.score,
            )
            db.insert("outcome", row)

    def outcomes(self, model_sha256: str, prompt_version: str) -> tuple[Outcome, ...]:
        """What runs of a model under a version of the prompts came to, the first one first."""
        query = (
            "SELECT run_id, split, grouping, branch, forced, expected, score FROM outcome JOIN run ON run.id = run "
            "WHERE model_sha256 = ? AND prompt_version = ? ORDER BY run"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, (model_sha256, prompt_version)).fetchall()
            return tuple(
                Outcome(
                    run_id=row["run_id"],
                    split=row["split"],
                    group=row["grouping"],
                    branch=row["branch"],
                    forced=row["forced"],
                    expected=self._database.get_text(row["expected"]),
                    score=row["score"],
                )
                for row in rows
            )

    def export(self, run: str) -> Iterator[str]:
        """A whole run as JSON lines, each with its `type`: run, node, turn, call, answer, in the order of the tree.

        Training sets are built from these; `run` is as for `get`.
        """
        record = self.get(run)
        yield _line("run", run_id=record.run_id, started=record.started.isoformat(), **asdict(record.start))
        for node in record.nodes:
            yield _line("node", node=node.id, **asdict(node.start), result=node.result)
            for turn in node.turns:
                end = None if turn.end is None else asdict(turn.end)
                yield _line("turn", turn=turn.id, node=node.id, **asdict(turn.start), end=end)
                for number, batch in enumerate(turn.batches):
                    for call in batch.calls:
                        place = {"turn": turn.id, "batch": number, "kind": batch.kind, "batch_seconds": batch.seconds}
                        yield _line("call", **place, **asdict(call))
        if record.answer:
            yield _line("answer", **record.answer.data())


def new_run_id() -> str:
    """An id for a run that is yet to begin: six digits of seconds, and six at random."""
    return _digits(int(time.time()) - _EPOCH, random=6)


def _find(connection: Connection, run: str) -> Row:
    if run == "last":
        rows = connection.execute("SELECT * FROM run ORDER BY id DESC LIMIT 1").fetchall()
    else:
        query = "SELECT * FROM run WHERE substr(run_id, 1, ?) = ? LIMIT 2"
        rows = connection.execute(query, (len(run), run.lower())).fetchall()
    if not run or not rows:
        raise UsageError(f"there is no run {run!r} in the log", remedy="`rlm-local runs list` names them")
    if len(rows) > 1:
        raise UsageError(f"several runs start with {run!r}", remedy="Give more of the id")
    return rows[0]


def _next_run_id(connection: Connection) -> str:
    """Six digits of seconds, later than every run's in the file, and two at random: two machines' runs do not meet."""
    last = connection.execute("SELECT run_id FROM run ORDER BY id DESC LIMIT 1").fetchone()
    seconds = int(time.time()) - _EPOCH
    if last:
        seconds = max(seconds, _number(last["run_id"][:6]) + 1)
    return _digits(seconds, random=2)


def _digits(seconds: int, *, random: int) -> str:
    digits = "".join(_DIGITS[seconds >> shift & 31] for shift in range(25, -1, -5))
    return digits + "".join(secrets.choice(_DIGITS) for _ in range(random))


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * 32 + _DIGITS.index(digit)
    return number


def _line(type_: str, **fields: object) -> str:
    return json.dumps({"type": type_, **fields})
