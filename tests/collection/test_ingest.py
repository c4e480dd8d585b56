"""A collection kept up to date: what changed is read, what is gone goes, and what is broken costs itself only."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import pytest

from rlm_local.collection import Collection, CollectionError
from rlm_local.collection.ingest import Ingest, jobs, plan
from rlm_local.collection.pool import Task
from rlm_local.collection.scan import Found, Scan
from rlm_local.collection.schema import VERSION
from rlm_local.collection.sources import Sources
from rlm_local.collection.store import is_current, open_reading, open_writing
from rlm_local.home import Home

_KILLS = 3
_OPEN = """
import sys
from pathlib import Path
from rlm_local.collection import Collection
from rlm_local.home import Home
sys.stdout.write("began\\n")
sys.stdout.flush()
with Collection.open([sys.argv[1]], home=Home(Path(sys.argv[2])), progress=lambda step: None) as collection:
    sys.stdout.write(collection.sha256)
"""

_INGEST = """
import sys
from pathlib import Path
from rlm_local.collection import CollectionError
from rlm_local.collection.ingest import Ingest, plan
from rlm_local.collection.scan import Scan
from rlm_local.collection.sources import Sources
from rlm_local.collection.store import open_writing
db = open_writing(Path(sys.argv[2]))
try:
    Ingest(db, Path(sys.argv[2]), cores=1).run(plan(db, Scan([Path(sys.argv[1])])), Sources(), ())
except CollectionError as error:
    sys.stdout.write(str(error))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "records"
    root.mkdir()
    for number in range(8):
        (root / f"note_{number}.txt").write_text(f"Note {number} is about pump {number}.\n\n" + "It rattles.\n" * 90)
        (root / f"visits_{number}.csv").write_text(
            f"id,day,fee\n{number},2024-01-0{number + 1},{number}.5\n{number + 10},2024-02-01,3\n"
        )
    return root


def contents(path: Path) -> dict[str, object]:
    """All that a collection says, without the numbers that it gives things."""
    db = open_reading(path)
    try:
        found: dict[str, object] = {
            "files": db.execute("SELECT name, sha256, status, reason FROM file ORDER BY name").fetchall(),
            "passages": db.execute(
                'SELECT d.name, p.start, p."end", p.text FROM passage p JOIN document d ON d.id = p.document'
                " ORDER BY d.name, p.start"
            ).fetchall(),
            "columns": db.execute('SELECT * FROM "column" ORDER BY "table", position').fetchall(),
            "found": db.execute(
                "SELECT p.text FROM search s JOIN passage p ON p.id = s.rowid WHERE search MATCH 'pump' ORDER BY 1"
            ).fetchall(),
            "touched": db.execute("SELECT count(*) FROM _touched").get,
        }
        for name, rows in db.execute("SELECT name, rows FROM \"table\" WHERE kind <> 'documents'").fetchall():
            columns = [f'"{column}"' for _, column, *_ in db.execute("SELECT * FROM pragma_table_info(?)", (name,))]
            said = [column for column in columns if not column.startswith('"_')]
            found[name] = db.execute(f'SELECT {", ".join(said)} FROM "{name}" ORDER BY {", ".join(said)}').fetchall()
            assert len(db.execute(f'SELECT 1 FROM "{name}"').fetchall()) == rows
        assert db.execute("PRAGMA integrity_check").get == "ok"
        assert db.execute("SELECT count(*) FROM passage WHERE document NOT IN (SELECT id FROM document)").get == 0
    finally:
        db.close()
    return found


def anew(folder: Path, home: Home) -> dict[str, object]:
    with Collection.open([folder], home=home, fresh=True) as collection:
        return contents(collection.path)


def work(path: Path, folder: Path) -> list[str]:
    """The files that would be read again."""
    db = open_reading(path)
    try:
        return [task.found.name for task in plan(db, Scan([folder])).tasks]
    finally:
        db.close()


def test_what_has_not_changed_is_not_read_again(folder: Path, home: Home) -> None:
    with Collection.open([folder], home=home) as collection:
        path, before = collection.path, collection.path.stat()
        assert work(path, folder) == []
    Collection.open([folder], home=home).close()
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_after_any_change_it_is_as_if_made_anew(folder: Path, home: Home) -> None:
    with Collection.open([folder], home=home) as collection:
        path = collection.path
    (folder / "note_1.txt").write_text("Note 1 has changed: pump 77.")
    (folder / "note_2.txt").unlink()
    (folder / "note_9.txt").write_text("A new note.")
    (folder / "note_3.txt").rename(folder / "note_30.txt")
    (folder / "visits_1.csv").write_text("id,day,fee\n1,2024-01-01,seven\n2,2024-01-02,eight\n")
    (folder / "visits_2.csv").unlink()
    assert sorted(work(path, folder)) == ["note_1.txt", "note_30.txt", "note_9.txt", "visits_1.csv"]
    Collection.open([folder], home=home).close()
    assert contents(path) == anew(folder, home)


def test_what_was_the_same_as_a_file_that_is_gone_is_read(folder: Path, home: Home) -> None:
    shutil.copy(folder / "note_0.txt", folder / "z_copy.txt")
    with Collection.open([folder], home=home) as collection:
        path = collection.path
        assert ("z_copy.txt", "the same as note_0.txt") in [(each.path, each.reason) for each in collection.skipped]
    (folder / "note_0.txt").unlink()
    with Collection.open([folder], home=home) as collection:
        assert "z_copy.txt" in {document.name for document in collection.documents}
    assert contents(path) == anew(folder, home)


@pytest.mark.usefixtures("trap")
def test_hostile_files_cost_themselves_only(tmp_path: Path, home: Home) -> None:
    root = tmp_path / "mixed"
    root.mkdir()
    for number in range(100):
        (root / f"good_{number:03}.txt").write_text(f"Letter {number} is a good one.")
    hostile = {
        "crash.rtf": b"{\\rtf crash", "memory.rtf": b"{\\rtf memory", "raise.rtf": b"{\\rtf raise",
        "pdf.pdf": b"%PDF-1.7\n" + b"1 0 obj << /Kids [1 0 R] >> endobj\n" * 99, "zip.zip": b"PK\3\4" + b"\xff" * 99,
        "docx.docx": b"PK\3\4not", "xlsx.xlsx": b"\xd0\xcf\x11\xe0" + b"\0" * 600, "deep.json": b"[" * 99_999,
        "keys.jsonl": b"".join(b'{"k%d": 1}\n' % number for number in range(9_999)),
        "wide.csv": b",".join(b"c%d" % number for number in range(9_999)) + b"\n" + b"1," * 9_998 + b"1\n",
        "mail.eml": b"From: a@b\nContent-Type: multipart/mixed; =x; boundary=" + b"[" * 300 + b"\n\n--\n",
        "digits.txt": b"1" * 99_999, "quotes.csv": b'"' * 99_999, "tags.html": b"<!--" * 20_000, "nul.log": b"\0" * 99,
        "bomb.xml": b"<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><a>&b;</a>", "deep.xml": b"<a>" * 99_999,
        "deep.py": b"(" * 9_999, "picture.png": b"\x89PNG\r\n\x1a\n" + b"\xff" * 99, "old.xls": b"\xd0\xcf\x11\xe0\xff",
    }  # fmt: skip
    for name, data in hostile.items():
        (root / name).write_bytes(data)
    with Collection.open([root], home=home) as collection:
        status = {file.name: file for file in collection.files}
        assert all(status[f"good_{number:03}.txt"].status == "read" for number in range(100))
        assert len(collection.search("letter 42", 3)) == 3
        for name in hostile:
            assert status[name].status == "read" or status[name].reason, name
        assert "bomb" in status["bomb.xml"].reason
        assert status["crash.rtf"].reason == "its reader ended without a word (signal 6)"
        assert status["memory.rtf"].reason == "needs more memory than a file may have"


@pytest.mark.usefixtures("trap")
def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path, home: Home) -> None:
    root = tmp_path / "moving"
    root.mkdir()
    (root / "a.rtf").write_text(f"{{\\rtf append {root / 'a.rtf'}")
    with Collection.open([root], home=home) as collection:
        assert [note.problem for note in collection.notes] == [
            "it changed while it was read; the next look reads it again"
        ]
        assert work(collection.path, root) == ["a.rtf"]


def test_a_file_with_a_name_that_is_no_text_is_read(tmp_path: Path, home: Home) -> None:
    root = tmp_path / "names"
    root.mkdir()
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.txt")).write_text("A letter about coffee.")
    with Collection.open([root], home=home) as collection:
        assert [document.name for document in collection.documents] == ["caf?.txt"]
        assert collection.search("coffee")[0].document == "caf?.txt"
        assert work(collection.path, root) == []


def test_killed_at_any_moment_it_goes_on_to_the_same(folder: Path, home: Home) -> None:
    (folder / "copy.txt").write_bytes((folder / "note_1.txt").read_bytes())
    chance = random.Random(0)
    for _ in range(_KILLS):
        process = _opening(folder, home)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for path in home.collections.glob("*.db"):
            if is_current(path):
                assert apsw.Connection(str(path)).execute("PRAGMA integrity_check").get == "ok"
    with Collection.open([folder], home=home) as collection:
        path = collection.path
    assert contents(path) == anew(folder, home)
    assert {each.suffix for each in home.collections.iterdir()} == {".db", ".lock"}


def _opening(folder: Path, home: Home) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", _OPEN, str(folder), str(home.root)], stdout=subprocess.PIPE, env=environment
    )


def test_two_processes_make_one_collection_once(folder: Path, home: Home) -> None:
    processes = [_opening(folder, home) for _ in range(2)]
    told = [process.communicate()[0].split(b"\n")[1] for process in processes]
    assert told[0] == told[1] != b""
    (path,) = home.collections.glob("*.db")
    assert contents(path) == anew(folder, home)


def test_who_comes_while_it_is_in_use_waits_and_says_so(folder: Path, home: Home) -> None:
    notes: list[str] = []
    reading = Collection.open([folder], home=home)
    (folder / "new.txt").write_text("new")
    threading.Timer(0.3, reading.close).start()
    with Collection.open([folder], home=home, progress=lambda step: notes.append(step.note)) as collection:
        assert "new.txt" in {document.name for document in collection.documents}
    assert "waiting: the collection is in use by another process" in notes


class _Flag:
    stopped = True


def test_cancelled_it_keeps_what_it_has(folder: Path, home: Home) -> None:
    with pytest.raises(CollectionError, match="cancelled"):
        Collection.open([folder], home=home, cancel=_Flag())
    with Collection.open([folder], home=home) as collection:
        assert contents(collection.path) == anew(folder, home)


def test_a_newer_collection_is_left_alone_and_an_older_made_anew(folder: Path, home: Home) -> None:
    with Collection.open([folder], home=home) as collection:
        path = collection.path
    for version in (VERSION + 1, -VERSION):
        db = apsw.Connection(str(path))
        db.execute("UPDATE meta SET value = ? WHERE key = 'version'", (version,))
        db.close()
        before = path.read_bytes()
        if version > VERSION:
            with pytest.raises(CollectionError, match="made by a newer rlm-local"):
                Collection.open([folder], home=home)
            assert path.read_bytes() == before
    Collection.open([folder], home=home).close()
    assert contents(path) == anew(folder, home)


def test_what_is_no_database_is_made_anew(folder: Path, home: Home) -> None:
    with Collection.open([folder], home=home) as collection:
        path = collection.path
    path.write_bytes(b"no database at all" * 100)
    Collection.open([folder], home=home).close()
    assert contents(path) == anew(folder, home)


def test_a_full_disk_is_said_and_what_was_read_is_kept(folder: Path, tmp_path: Path) -> None:
    for number in range(40):
        (folder / f"long_{number}.txt").write_text("".join(f"{number} {place}\n" for place in range(5_000)))
    path = tmp_path / "full.db"
    db = open_writing(path)
    try:
        db.execute("PRAGMA max_page_count = 150")
        with pytest.raises(CollectionError, match="the disk is full"):
            Ingest(db, path, cores=1).run(plan(db, Scan([folder])), Sources(), ())
        kept = db.execute("SELECT count(*) FROM file").get
        assert db.execute("PRAGMA integrity_check").get == "ok"
        db.execute("PRAGMA max_page_count = 100000")
        rest = plan(db, Scan([folder]))
        assert len(rest.tasks) == 56 - kept
        Ingest(db, path, cores=1).run(rest, Sources(), ())
        assert db.execute("SELECT count(*) FROM file WHERE status = 'read'").get == 56
    finally:
        db.close()


def test_where_a_child_cannot_write_no_file_is_to_blame(folder: Path, tmp_path: Path) -> None:
    (folder / "large.csv").write_text("id,text\n" + "".join(f"{number},{'x' * 90}\n" for number in range(40_000)))
    path = tmp_path / "full.db"
    limit = 1_000_000  # bytes of a file that a process may write
    program = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n{_INGEST}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        [sys.executable, "-c", program, str(folder), str(path)], capture_output=True, env=environment, text=True
    )
    assert "cannot be used" in told.stdout, told.stderr
    db = open_writing(path)
    try:
        assert db.execute("SELECT count(*) FROM file WHERE status = 'failed'").get == 0
        Ingest(db, path, cores=1).run(plan(db, Scan([folder])), Sources(), ())
        assert db.execute("SELECT count(*) FROM file WHERE status = 'read'").get == 17
    finally:
        db.close()


def test_files_go_to_children_in_portions() -> None:
    def task(number: int, size: int) -> Task:
        return Task(number, Found(str(number), str(number), size, 0, "/", (str(number),)))

    assert jobs([]) == []
    assert [len(job) for job in jobs([task(number, 10) for number in range(1_200)])] == [500, 500, 200]
    large = jobs([task(number, 1 << 20) for number in range(64)])
    assert [each.id for job in large for each in job] == list(range(64))
    assert max(sum(each.found.size for each in job) for job in large) <= 4 << 20


def test_the_kinds_of_a_column_are_what_fits_all_files(tmp_path: Path, home: Home) -> None:
    root = tmp_path / "mixed"
    root.mkdir()
    (root / "part_1.csv").write_text("id,when,amount\na,01/02/2024,1\nb,03/02/2024,2\n")
    (root / "part_2.csv").write_text("id,when,amount\nc,25/02/2024,1.5\nd,26/02/2024,2\n")
    with Collection.open([root], home=home) as collection:
        assert collection.rows("SELECT id, \"when_\", amount FROM part ORDER BY id") == [
            ("a", "2024-02-01", 1.0), ("b", "2024-02-03", 2.0), ("c", "2024-02-25", 1.5), ("d", "2024-02-26", 2.0)
        ]  # fmt: skip
    (root / "part_3.csv").write_text("id,when,amount\ne,never,many\nf,soon,007\n")
    with Collection.open([root], home=home) as collection:
        path = collection.path
        amounts = collection.rows("SELECT amount FROM part ORDER BY id")
        assert json.dumps(amounts) == '[["1"], ["2"], ["1.5"], ["2"], ["many"], ["007"]]'
    assert contents(path) == anew(root, home)
