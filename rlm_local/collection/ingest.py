"""A collection brought up to date: what changed on the disk is parsed, what is gone goes, the rest is left alone."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from rlm_local.collection.copies import drop_copies
from rlm_local.collection.errors import CollectionError
from rlm_local.collection.formats import FORMATS
from rlm_local.collection.intake import Intake
from rlm_local.collection.pool import Pool, Task
from rlm_local.collection.progress import Meter, Progress
from rlm_local.collection.reading import Reading
from rlm_local.collection.scan import Found, Skipped
from rlm_local.collection.settle import settle_columns, settle_tables
from rlm_local.collection.sources import Sources
from rlm_local.collection.store import Stop, trouble
from rlm_local.sqlite import Database
from rlm_local.vault import Key

_MOST_AT_ONCE = 4 << 20
_LEAST_AT_ONCE = 1 << 18
_FILES_AT_ONCE = 500
_SHARES = 8
_ROUNDS = 3


@dataclass(frozen=True)
class Plan:
    """What has to be done: files to parse, in order, and numbers of those that are gone."""

    tasks: tuple[Task, ...] = ()
    gone: tuple[int, ...] = ()
    settled: bool = True
    unchanged: Mapping[int, Found] = field(default_factory=dict[int, Found])

    @property
    def is_nothing(self) -> bool:
        return not self.tasks and not self.gone and self.settled

    @property
    def size(self) -> int:
        return sum(task.found.size for task in self.tasks)


@dataclass
class _Known:
    number: int
    name: str
    size: int
    mtime_ns: int
    sha256: str | None
    format: str | None
    parser: str | None
    status: str

    def is_same(self, found: Found) -> bool:
        return (self.name, self.size, self.mtime_ns) == (found.name, found.size, found.mtime_ns)


def formats() -> str:
    """Which formats there are, in which version: when others come, what was not read is tried again."""
    return json.dumps(sorted(f"{form.name} {form.version}" for form in FORMATS))


def plan(db: Database, files: Iterable[Found], *, again: bool = False) -> Plan:
    """What differs between the disk and the database; `again`: what could not be read is tried, too."""
    known = {
        path: _Known(*rest)
        for path, *rest in db.execute("SELECT path, id, name, size, mtime_ns, sha256, format, parser, status FROM file")
    }
    parsers = {f"{form.name} {form.version}" for form in FORMATS}
    again = again or _meta(db, "formats") != formats()
    number = max((each.number for each in known.values()), default=0)
    tasks: list[Task] = []
    kept: list[tuple[Found, _Known]] = []
    for found in files:
        old = known.pop(found.path, None)
        if old is None:
            number += 1
            tasks.append(Task(number, found))
        elif (
            not old.is_same(found) or (old.parser and old.parser not in parsers) or (again and _may_change(old, found))
        ):
            tasks.append(Task(old.number, found))
        else:
            kept.append((found, old))
    originals = {old.sha256 for _, old in kept if old.status == "read"}
    for found, old in kept:
        if old.status == "duplicate" and old.sha256 not in originals:
            tasks.append(Task(old.number, found))
    settled = not db.execute("SELECT 1 FROM _touched").fetchone()
    unchanged = {old.number: found for found, old in kept}
    return Plan(tuple(tasks), tuple(old.number for old in known.values()), settled, unchanged)


def _may_change(old: _Known, found: Found) -> bool:
    suffix = found.name.rpartition("/")[2].rpartition(".")[2].lower()
    own = next((form.name for form in FORMATS if suffix in form.suffixes), None)
    return old.status in ("failed", "skipped") or (own is not None and old.format != own and old.status == "read")


def _meta(db: Database, key: str) -> str | None:
    found = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(found[0]) if found else None


@dataclass
class Ingest:
    """Carries plans out, as the only one who writes.

    Args:
        path: the database's path.
        cores: how many children parse; None: as many as there are cores.
        key: what the database is sealed with, and what children write; what they read may be.
    """

    db: Database
    path: Path
    progress: Progress | None = None
    cancel: Stop | None = None
    cores: int | None = None
    key: Key | None = None
    pool: Callable[[Path, int | None, Key | None], Pool] = Pool

    def run(self, work: Plan, sources: Sources, skipped: Sequence[Skipped]) -> None:
        """Does all of it. Stopped at any moment, it goes on from there the next time.

        Raises:
            CollectionError: cancelled, a full disk, or a database that cannot be written.
        """
        folder = self.path.with_suffix(".spool")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(mode=0o700)
            self._run(work, sources, skipped, folder)
        except (apsw.Error, OSError) as error:
            raise trouble(self.path, error) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, work: Plan, sources: Sources, skipped: Sequence[Skipped], folder: Path) -> None:
        meter = Meter(self.progress, len(work.tasks), work.size)
        self._know(sources.meta())
        intake = Intake(self.db)
        with self.db:
            for file in work.gone:
                intake.forget(file)
        with self.pool(folder, self.cores, self.key) as pool:
            self._parse(pool, intake, work.tasks, meter)
            for _ in range(_ROUNDS):
                again = settle_columns(self.db)
                if not again:
                    break
                intake.reload()
                meter.note(f"reading {len(again):,} files again: others of their tables have columns that differ")
                self._parse(pool, intake, self._tasks(work, again), Meter(None, 0, 0))
        if drop_copies(self.db, intake):
            settle_columns(self.db)
        settle_tables(self.db)
        if work.gone:
            with self.db:  # words of what is gone were only marked as such until now
                self.db.execute("INSERT INTO search (search) VALUES ('optimize')")
        reasons = json.dumps([[each.path, each.reason] for each in skipped], ensure_ascii=False)
        self._know({"skipped": reasons, "formats": formats()})

    def _parse(self, pool: Pool, intake: Intake, tasks: Sequence[Task], meter: Meter) -> None:
        for job in pool.work(jobs(tasks), self._stop):
            intake.take(job)
            done = [*job.tasks, *(task for task, _ in job.lost)]
            meter.add(len(done), sum(task.found.size for task in done))

    def _stop(self) -> None:
        if self.cancel is not None and self.cancel.stopped:
            raise CollectionError("cancelled while reading", remedy="What was read is kept; the next time goes on.")

    def _tasks(self, work: Plan, again: Mapping[int, Mapping[int, Mapping[str, Reading]]]) -> list[Task]:
        found = {**work.unchanged, **{task.id: task.found for task in work.tasks}}
        return [Task(file, found[file], imposed) for file, imposed in sorted(again.items())]

    def _know(self, what: Mapping[str, str]) -> None:
        with self.db:
            self.db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(what.items()))


def jobs(tasks: Sequence[Task]) -> list[list[Task]]:
    """The files in portions: small enough that all cores have some, large enough that few have to be written."""
    total = sum(task.found.size for task in tasks)
    most = max(_LEAST_AT_ONCE, min(_MOST_AT_ONCE, total // _SHARES))
    found: list[list[Task]] = []
    size = 0
    for task in tasks:
        if not found or size + task.found.size > most or len(found[-1]) >= _FILES_AT_ONCE:
            found.append([])
            size = 0
        found[-1].append(task)
        size += task.found.size
    return found
