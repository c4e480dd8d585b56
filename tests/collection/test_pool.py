"""Children that parse: what ends one costs the file it was at, and nothing else."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from rlm_local.collection.pool import Job, Pool, Task
from rlm_local.collection.scan import Scan


@dataclass(frozen=True)
class Hasty(Task):
    """A task that may take a second."""

    @property
    def seconds(self) -> int:
        return 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "spools"
    folder.mkdir()
    return folder


def tasks(root: Path, texts: dict[str, str], kind: type[Task] = Task) -> list[Task]:
    root.mkdir()
    for name, text in texts.items():
        (root / name).write_text(text)
    return [kind(number, found) for number, found in enumerate(Scan([root]))]


def nothing() -> None: ...


def told(jobs: list[Job]) -> dict[str, tuple[str, str]]:
    """What became of each file, and why."""
    found: dict[str, tuple[str, str]] = {}
    for job in jobs:
        names = {task.id: task.found.name for task in job.tasks}
        found |= {task.found.name: ("failed", reason) for task, reason in job.lost}
        if job.tasks:
            db = apsw.Connection(str(job.out))
            found |= {names[number]: (status, reason) for number, status, reason in db.execute(
                "SELECT id, status, reason FROM file")}  # fmt: skip
            db.close()
    return found


@pytest.mark.usefixtures("trap")
def test_a_reader_that_ends_its_process_costs_its_file(tmp_path: Path, folder: Path) -> None:
    texts = {f"{number}.txt": f"text {number}" for number in range(6)}
    texts |= {"crash.rtf": "{\\rtf crash", "raise.rtf": "{\\rtf raise", "memory.rtf": "{\\rtf memory",
              "recursion.rtf": "{\\rtf recursion", "print.rtf": "{\\rtf print"}  # fmt: skip
    all_ = tasks(tmp_path / "root", texts)
    with Pool(folder, 2) as pool:
        found = told(list(pool.work([all_[:7], all_[7:]], nothing)))
    assert found == {f"{number}.txt": ("read", None) for number in range(6)} | {
        "crash.rtf": ("failed", "its reader ended without a word (signal 6)"),
        "raise.rtf": ("failed", "RuntimeError: a\N{REPLACEMENT CHARACTER} b c"),
        "memory.rtf": ("failed", "needs more memory than a file may have"),
        "recursion.rtf": ("failed", "nested too deep"),
        "print.rtf": ("read", None),
    }


@pytest.mark.usefixtures("trap")
def test_readers_leave_the_processor_to_who_waits_for_them(tmp_path: Path, folder: Path) -> None:
    with Pool(folder, 1) as pool:
        found = told(list(pool.work([tasks(tmp_path / "root", {"a.rtf": "{\\rtf priority"})], nothing)))
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert found == {"a.rtf": ("failed", f"RuntimeError: {min(own + 5, 19)}")}


@pytest.mark.usefixtures("trap")
@pytest.mark.parametrize("how", ["sleep", "spin"])
def test_a_reader_that_does_not_end_costs_its_file(how: str, tmp_path: Path, folder: Path) -> None:
    all_ = tasks(tmp_path / "root", {"a.txt": "a", "b.rtf": f"{{\\rtf {how}", "c.txt": "c"}, Hasty)
    with Pool(folder, 1) as pool:
        found = told(list(pool.work([all_], nothing)))
    assert found == {"a.txt": ("read", None), "b.rtf": ("failed", "takes too long to read"), "c.txt": ("read", None)}


@pytest.mark.usefixtures("trap")
def test_a_child_that_dies_again_and_again_loses_each_file_once(tmp_path: Path, folder: Path) -> None:
    all_ = tasks(tmp_path / "root", {f"{number}.rtf": "{\\rtf crash" for number in range(2)})
    with Pool(folder, 1) as pool:
        found = told(list(pool.work([all_], nothing)))
    assert {status for status, _ in found.values()} == {"failed"}
    assert len(found) == 2


def test_jobs_come_back_in_their_order(tmp_path: Path, folder: Path) -> None:
    all_ = tasks(
        tmp_path / "root", {f"{number:02}.txt": "long " * (20_000 if number == 0 else 1) for number in range(12)}
    )
    with Pool(folder, 2) as pool:
        assert [job.id for job in pool.work([[task] for task in all_], nothing)] == list(range(12))


def test_it_can_be_stopped_at_any_time(tmp_path: Path, folder: Path) -> None:
    all_ = tasks(tmp_path / "root", {f"{number}.txt": "text" for number in range(5)})
    before = set(threading.enumerate())
    asked: Iterator[int] = iter(range(3))

    def stop() -> None:
        if next(asked, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Pool(folder, 1) as pool:
        list(pool.work([[task] for task in all_], stop))
    assert set(threading.enumerate()) <= before


def test_a_file_that_is_gone_or_empty_or_changed_kind_is_skipped_with_the_reason(tmp_path: Path, folder: Path) -> None:
    all_ = tasks(tmp_path / "root", {"a.txt": "", "b.txt": "b", "c.txt": "c"})
    (tmp_path / "root/b.txt").unlink()
    (tmp_path / "root/c.txt").unlink()
    (tmp_path / "root/c.txt").symlink_to("a.txt")
    with Pool(folder, 1) as pool:
        found = told(list(pool.work([all_], nothing)))
    assert found["a.txt"] == ("skipped", "empty")
    assert found["b.txt"] == ("skipped", "cannot be read: No such file or directory")
    assert found["c.txt"][0] == "skipped"
