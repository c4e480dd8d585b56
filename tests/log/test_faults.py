"""The log when the process dies, the disk fills up, or the file is not what it should be."""

import json
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rlm_local.errors import StoreError
from rlm_local.log import NodeStart, RunStore
from rlm_local.log.schema import MIGRATIONS
from rlm_local.sqlite import connect
from tests.log.sample import answer, run_start, turn_start, write_run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


def environment() -> dict[str, str]:
    """Of a process of its own that imports what this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def start_writer(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.log.sample", str(path)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


def read_lines(process: subprocess.Popen[str], count: int) -> list[list[str]]:
    assert process.stdout is not None
    return [process.stdout.readline().split() for _ in range(count)]


def kill(process: subprocess.Popen[str]) -> list[list[str]]:
    """Kills it, and returns what it still had said; a line that it was killed in does not count."""
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    return [line.split() for line in rest.splitlines(keepends=True) if line.endswith("\n")]


def assert_kept(path: Path, said: list[list[str]]) -> None:
    with RunStore(path) as store:
        for kind, run_id, *turn in said:
            record = store.get(run_id)
            turns = {t.id: t for node in record.nodes for t in node.turns}
            if kind == "turn":
                assert turns[int(turn[0])].start == turn_start()
            elif kind == "end_turn":
                done = turns[int(turn[0])]
                assert done.end is not None
                assert [len(batch.calls) for batch in done.batches] == [1]
            elif kind == "end":
                assert record.answer == answer(run_id)


@pytest.mark.parametrize("seed", range(6))
def test_what_was_acknowledged_survives_a_kill_at_any_point(path: Path, seed: int) -> None:
    process = start_writer(path)
    said = read_lines(process, random.Random(seed).randint(1, 40))
    said += kill(process)
    connection = connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    assert_kept(path, said)
    with RunStore(path) as store:
        ended = {run.run_id: run.ended for run in store.list(1000)}
        assert list(ended.values()).count("unfinished") <= 1
        write_run(store.begin(run_start()), turns=1)


def test_two_processes_write_at_once(path: Path) -> None:
    processes = [start_writer(path) for _ in range(3)]
    said = [read_lines(process, 40) for process in processes]
    said = [lines + kill(process) for lines, process in zip(said, processes, strict=True)]
    for lines in said:
        assert_kept(path, lines)
    runs = [line[1] for lines in said for line in lines if line[0] == "run"]
    assert len(set(runs)) == len(runs)


def test_a_second_store_of_one_process_does_not_give_up_the_locks_of_the_first(path: Path) -> None:
    """Another process would take the file for unused, and delete the write-ahead log that the first still writes to."""

    def elsewhere(code: str) -> str:
        opened = f"from pathlib import Path; from rlm_local.log import RunStore; store = RunStore(Path({str(path)!r}))"
        done = subprocess.run(
            [sys.executable, "-c", f"{opened}; {code}"],
            env=environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    with RunStore(path) as first:
        write_run(first.begin(run_start()), turns=1)
        RunStore(path).close()
        elsewhere("store.close()")
        write_run(first.begin(run_start()), turns=1)
        assert elsewhere("print(len(store.list(10)))") == "2"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_another_process_writes_leaves_nothing_begun(path: Path) -> None:
    """Python raises it once SQLite has come back from waiting, with the transaction begun."""
    with RunStore(path) as store:
        other = connect(path)
        other.execute("BEGIN IMMEDIATE")
        interrupting = threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,))
        releasing = threading.Timer(0.6, other.execute, ("ROLLBACK",))
        interrupting.start()
        releasing.start()
        with pytest.raises(KeyboardInterrupt):
            store.begin(run_start())
        releasing.join()
        other.close()
        write_run(store.begin(run_start()), turns=1)


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    path.touch(mode=0o644)
    with RunStore(path) as store:
        write_run(store.begin(run_start()), turns=1)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(("runs.sqlite", "runs.sqlite-wal", "runs.sqlite-shm"), 0o600)


def test_the_file_is_made_where_a_link_leads(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere.sqlite"))
    RunStore(path).close()
    assert stat.S_IMODE(path.with_name("elsewhere.sqlite").stat().st_mode) == 0o600


def in_a_child(action: Callable[[], None]) -> str:
    """Runs an action in a process of its own, since it takes away what this one needs. Returns what StoreError said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing was raised"
        try:
            action()
        except StoreError as error:
            said = str(error)
        except BaseException as error:  # noqa: BLE001  (whatever it was, the parent's assertion shows it)
            said = repr(error)
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = json.load(pipe)
    os.waitpid(child, 0)
    return said


def test_a_full_disk_loses_nothing_that_was_written(path: Path) -> None:
    with RunStore(path) as store:
        write_run(store.begin(run_start("before")), turns=2)

    def fill() -> None:
        limit = path.stat().st_size + 400_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with RunStore(path) as store:
            log = store.begin(run_start("too long"))
            node = log.node(NodeStart("?"))
            while True:
                log.begin_turn(node, turn_start(random.randbytes(30_000).hex()))

    said = in_a_child(fill)
    assert "cannot grow" in said
    assert "Free some space" in said
    with RunStore(path) as store:
        after, before = store.list(10)
        assert (before.question, before.ended) == ("before", "answered")
        assert (after.question, after.ended) == ("too long", "unfinished")
        assert store.get(after.run_id).nodes[0].turns
        write_run(store.begin(run_start()), turns=1)


@pytest.mark.parametrize("exists", [False, True])
def test_a_read_only_directory_is_a_clear_error(path: Path, exists: bool) -> None:
    if exists:
        RunStore(path).close()
    path.parent.chmod(0o555)

    def write() -> None:
        if os.getuid() == 0:
            os.setuid(65534)
        RunStore(path)

    said = in_a_child(write)
    path.parent.chmod(0o755)
    assert str(path) in said
    assert "cannot be written" in said
    assert "RLM_LOCAL_HOME" in said


def test_a_missing_directory_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        RunStore(tmp_path / "none" / "runs.sqlite")


def test_a_newer_schema_is_refused_untouched(path: Path) -> None:
    RunStore(path).close()
    connection = connect(path)
    connection.execute("INSERT INTO migration VALUES ('0999 rewards')")
    connection.close()
    with pytest.raises(StoreError, match=r"newer rlm-local \(0999 rewards\).*Update rlm-local"):
        RunStore(path)
    connection = connect(path)
    assert connection.execute("SELECT count(*) FROM migration").fetchone() == (len(MIGRATIONS) + 1,)
    connection.close()


def test_a_file_that_is_no_database_is_refused_untouched(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" * 2000)
    with pytest.raises(StoreError, match=r"damaged.*Move it away"):
        RunStore(path)
    assert path.read_bytes() == b"PK\x03\x04" * 2000


def test_a_value_that_was_tampered_with_is_noticed(path: Path) -> None:
    with RunStore(path) as store:
        write_run(store.begin(run_start()), turns=1)
    connection = connect(path)
    connection.execute("DROP TRIGGER blob_no_UPDATE")
    connection.execute("UPDATE blob SET data = (SELECT data FROM blob AS other WHERE other.rowid != blob.rowid)")
    connection.close()
    with RunStore(path) as store, pytest.raises(StoreError, match="not what was written"):
        store.get("last")


def test_pages_overwritten_with_rubbish_are_noticed(path: Path) -> None:
    with RunStore(path) as store:
        for _ in range(5):
            write_run(store.begin(run_start()), turns=3)
    content = bytearray(path.read_bytes())
    content[4096:] = random.Random(1).randbytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"), RunStore(path) as store:
        store.get("last")
