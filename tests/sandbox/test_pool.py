"""One process with everything ready, a fork of it for each session; and processes that die at any point."""

import contextlib
import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rlm_sandbox import Image, Limits, Pool, SandboxError, Session, SessionClosed, TextLost
from tests.sandbox.processes import processes, workers, zygotes


@pytest.fixture(scope="module")
def pool(image: Image) -> Iterator[Pool]:
    with Pool(image) as pool:
        yield pool


_MARK = """
open('/tmp/mark', 'w').write('mark'); json.mark = mark = 'mark'
import builtins, sys; builtins.mark = mark; sys.modules['mark'] = json
"""
_SEEN = """
import os, sys
'mark' in globals(), hasattr(json, 'mark'), 'mark' in sys.modules, os.listdir('/tmp'), sorted(os.listdir('/dev'))
"""


def _pass_on(pool: Pool, count: int) -> None:
    """Sessions one after the other: each finds nothing of those before, and nothing is left of it."""
    numbers: set[str] = set()
    _until(lambda: len(workers()) == 1)  # the one that waits
    before = _held()
    for number in range(count):
        with Session(pool) as session:
            session.set_text("context", f"secret {number}")
            assert session.run(_SEEN).output == "(False, False, False, [], ['null', 'stdout'])\n"
            numbers.add(session.run("random.random()").output)
            session.run(_MARK)
            if number % 3 == 0:
                session.run("import os; os._exit(0)")
    assert len(numbers) == count
    _until(lambda: all(now <= then for now, then in zip(_held(), before, strict=True)))


def _held() -> tuple[int, int]:
    """Descriptors and threads of this process and of the pool's."""
    own = [Path("/proc/self"), *processes()]
    return sum(len(list((p / "fd").iterdir())) for p in own), sum(len(list((p / "task").iterdir())) for p in own)


def _until(condition: Any) -> None:
    for _ in range(1000):
        if condition():
            return
        select.select([], [], [], 0.01)
    raise AssertionError("it has not come to be")


def test_nothing_passes_from_a_session_to_the_next(pool: Pool) -> None:
    _pass_on(pool, 50)


@pytest.mark.slow
def test_nothing_passes_from_a_session_to_the_next_in_a_thousand(pool: Pool) -> None:
    _pass_on(pool, 1000)


def test_the_next_session_is_started_ahead(image: Image) -> None:
    others = workers()
    with Pool(image) as pool:
        _until(lambda: len(workers()) == len(others) + 1)
        first = set(workers()) - set(others)
        with Session(pool):
            _until(lambda: len(workers()) == len(others) + 2)
            (second,) = set(workers()) - set(others) - first  # the session has the one that was there
            os.kill(int(second.name), signal.SIGKILL)
            with Session(pool) as session:  # one that died meanwhile is passed over
                assert session.run("1").output == "1\n"


def test_guests_leave_the_processor_to_who_waits_for_them(pool: Pool) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with Session(pool):
        found = {os.getpriority(os.PRIO_PROCESS, int(process.name)) for process in processes()}
    assert found == {min(own + 5, 19)}


def test_sessions_live_side_by_side(pool: Pool) -> None:
    sessions = [Session(pool) for _ in range(8)]
    for number, session in enumerate(sessions):
        session.run(f"x = {number}")
    assert [session.run("x").output for session in sessions] == [f"{number}\n" for number in range(8)]
    sessions[3].close()
    assert sessions[4].run("x").output == "4\n"
    for session in sessions:
        session.close()


def test_a_pool_serves_several_threads(pool: Pool) -> None:
    results: list[str] = []

    def work(number: int) -> None:
        for _ in range(3):
            with Session(pool) as session:
                results.append(session.run(f"{number}").output)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(f"{number}\n" for number in range(4) for _ in range(3))


def test_each_session_has_limits_of_its_own(pool: Pool) -> None:
    with Session(pool, limits=Limits(memory_bytes=64 << 20)) as small, Session(pool) as large:
        assert small.run("x = bytes(100 << 20)").stopped == "memory"
        assert large.run("x = bytes(100 << 20)").stopped is None


def test_closing_a_session_ends_its_processes_whatever_they_do(pool: Pool) -> None:
    session = Session(pool)
    killer = threading.Timer(0.1, session.kill)
    killer.start()
    result = session.run("while True:\n  try:\n    while True: pass\n  except BaseException: pass")
    killer.join()
    assert (result.stopped, result.error, session.alive) == ("killed", "the session was killed\n", False)
    _until(lambda: len(workers()) == 1)


def test_a_closed_pool_ends_its_sessions_and_opens_no_other(image: Image) -> None:
    before = processes()
    with Pool(image) as pool:
        session = Session(pool)
    assert session.run("1").stopped == "worker"
    assert processes() == before
    with pytest.raises(SandboxError, match="closed"):
        Session(pool)


def test_a_pool_whose_process_dies_finds_another(image: Image) -> None:
    before = processes()
    others = zygotes()
    with Pool(image) as pool:
        (zygote,) = set(zygotes()) - set(others)
        session = Session(pool)
        session.run("x = 1")
        os.kill(int(zygote.name), signal.SIGKILL)
        _until(lambda: processes() == before)
        assert session.run("x").stopped == "worker"
        with pytest.raises(SessionClosed):
            session.run("x")
        with Session(pool) as another:
            assert another.run("1").output == "1\n"


def test_a_cell_whose_process_dies_costs_only_itself(pool: Pool) -> None:
    def die() -> None:
        os.kill(int(workers()[-1].name), signal.SIGKILL)  # the deepest

    with Session(pool, host_calls={"die": die}) as session:
        session.run("import rlm_host; kept = 1")
        for _ in range(2):
            result = session.run("kept = 2; rlm_host.call('die')\nwhile True: pass")
            assert result.stopped == "worker"
            assert "SIGKILL; the variables are as they were before this cell" in (result.error or "")
            assert session.run("kept").output == "1\n"


_DEATHS = 12


def test_whatever_process_dies_whenever_it_does_is_data(image: Image) -> None:
    """kill -9 of a process chosen at random, at a moment chosen at random: each use of the session ends in a result or
    in an error that says so, and the next session works."""
    choose = random.Random(7)
    others = zygotes()
    with Pool(image) as pool:
        for _ in range(_DEATHS):
            session = Session(pool, host_calls={"echo": lambda text: text})
            session.run("import rlm_host; kept = 1")
            killer = threading.Timer(choose.random() * 0.1, _kill_one, (choose, others))
            killer.start()
            for _ in range(4):
                try:
                    session.set_text("context", "x" * 3_000_000)
                    result = session.run("kept = 2\nfor _ in range(20): rlm_host.call('echo', text=context[:50_000])")
                except TextLost:
                    continue
                except SessionClosed:
                    break
                assert result.stopped in (None, "worker")
                if session.alive:
                    session.run("kept = 1")
            killer.join()
            session.close()
        with Session(pool) as last:
            assert last.run("1").output == "1\n"
    assert zygotes() == others
    _until(lambda: len(workers()) <= len(others))  # each has one ahead


def _kill_one(choose: random.Random, others: list[Path]) -> None:
    victims = [process for process in processes() if process not in others]
    if victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(choose.choice(victims).name), signal.SIGKILL)


_PARENT = """
import sys
from pathlib import Path
from rlm_sandbox import Session, ensure_image
from tests.sandbox.processes import processes
started = lambda: print(*(process.name for process in processes()), flush=True)
session = Session(ensure_image(Path(sys.argv[1])), host_calls={"started": started})
session.run("import rlm_host; rlm_host.call('started')\\nwhile True: pass")
"""


def test_all_processes_die_with_their_parent(image: Image) -> None:
    command = [sys.executable, "-c", _PARENT, str(image.folder.parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path.cwd())])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        descriptors = [os.pidfd_open(int(number)) for number in parent.stdout.readline().split()]
        parent.kill()
    assert len(descriptors) == 3
    for descriptor in descriptors:
        ready, _, _ = select.select([descriptor], [], [], 10)
        os.close(descriptor)
        assert ready
