"""What was asked of the server, kept from before it is answered: whose a run is, and what it was over."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rlm_local.engine.conversation import Exchange
from rlm_local.log.database import Database
from rlm_local.serve.errors import NotFoundError
from rlm_local.sqlite import Row

INTERRUPTED = "interrupted"
"""How a job ended whose server died. Its run is in the log up to its last step."""


@dataclass(frozen=True)
class Job:
    """A question that was accepted.

    Attributes:
        run_id: of its run in the log, once that has begun.
        owner: the id of the key that asked, or local.
        model: the model's name as it was asked for, policy and all.
        files, folders: what it is over: ids of uploaded files, names of shared folders.
        options: of `Engine.ask`, as plain data.
        resumes: the run that it goes on with.
        follows: the run that was asked before it in a conversation.
        before: what was asked before it, where that is not what the log has up to `follows`.
    """

    run_id: str
    owner: str
    question: str
    model: str
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    resumes: str | None = None
    follows: str | None = None
    before: tuple[Exchange, ...] | None = None
    accepted: float = field(default_factory=time.time)
    ended: str | None = None


class JobBook:
    """The jobs, in the server's database.

    Raises:
        StoreError: from every method, where the file cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(self, job: Job) -> None:
        """On the disk when this returns."""
        request = {
            "question": job.question,
            "model": job.model,
            "files": job.files,
            "folders": job.folders,
            "options": dict(job.options),
            "resumes": job.resumes,
            "follows": job.follows,
            "before": None if job.before is None else [asdict(exchange) for exchange in job.before],
        }
        with self._database.writing() as connection:
            row = (None, job.run_id, job.owner, job.accepted, json.dumps(request), None)
            connection.execute("INSERT INTO job VALUES (?, ?, ?, ?, ?, ?)", row)

    def end(self, run_id: str, ended: str) -> None:
        with self._database.writing() as connection:
            connection.execute("UPDATE job SET ended = ? WHERE run_id = ?", (ended, run_id))

    def interrupt(self) -> list[Job]:
        """Marks what a server that died left unfinished; gives those jobs."""
        with self._database.writing() as connection:
            query = "UPDATE job SET ended = ? WHERE ended IS NULL RETURNING *"
            return [_job(row) for row in connection.execute(query, (INTERRUPTED,)).fetchall()]

    def delete(self, runs: Iterable[str]) -> None:
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM job WHERE run_id = ?", [(run,) for run in runs])

    def uses(self) -> dict[str, set[str]]:
        """The runs over each uploaded file, by its id."""
        found: dict[str, set[str]] = {}
        with self._database.reading() as connection:
            rows = connection.execute("SELECT value, run_id FROM job, json_each(job.request, '$.files')").fetchall()
        for file, run in rows:
            found.setdefault(file, set()).add(run)
        return found

    def before(self, moment: float) -> tuple[str, ...]:
        """The runs that were accepted before a moment, in seconds since 1970, the first one first."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT run_id FROM job WHERE accepted < ? ORDER BY id", (moment,))
            return tuple(run_id for (run_id,) in rows)

    def latest(self, owner: str | None) -> Iterator[Job]:
        """The jobs of an owner, or of all, the last one first, read as they are asked for."""
        for rows in self._database.latest("job", "owner = coalesce(?, owner)", owner):
            yield from map(_job, rows)

    def get(self, owner: str | None, run_id: str) -> Job:
        """A job of that owner; None is whoever may see all.

        Raises:
            NotFoundError: there is none.
        """
        job = self.find(run_id)
        if job is None or owner not in (None, job.owner):
            raise NotFoundError(f"there is no run {run_id!r}", code="run_not_found")
        return job

    def find(self, run_id: str) -> Job | None:
        """The job of a run; None where the run was not asked of the server."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM job WHERE run_id = ?", (run_id,)).fetchone()
        return _job(row) if row else None


def _job(row: Row) -> Job:
    request = json.loads(row["request"])
    files, folders = tuple(request.pop("files")), tuple(request.pop("folders"))
    before = request.pop("before", None)
    return Job(
        row["run_id"],
        row["owner"],
        **request,
        files=files,
        folders=folders,
        before=None if before is None else tuple(Exchange(**exchange) for exchange in before),
        accepted=row["accepted"],
        ended=row["ended"],
    )
