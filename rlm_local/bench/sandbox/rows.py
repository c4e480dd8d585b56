"""The rows of the table: what each measures. What is compared is measured in turn, in the same repetition."""

import json
import math
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rlm_local.bench.measurement import Measurement
from rlm_local.bench.sandbox import processes, queries
from rlm_local.bench.sandbox.peers import PROGRAMS, Peers
from rlm_sandbox import Image, Limits, Pool, Session, ensure_image, native
from rlm_sandbox.interpreter import Interpreter
from rlm_sandbox.machine import Machine, guest_files

BESIDE = "the same, "
"""How the name of a measurement begins that is only there to compare the one before with."""
_CALLS = 500
_TEXT = 200_000_000
_LIVE = 100
_AMPLE = Limits(seconds=1800, memory_bytes=1 << 30)  # on any machine, however busy
_PAUSE = 0.05  # seconds, in which the pool starts the next session: in a run a model thinks meanwhile

_Times = dict[str, list[float]]
"""Program -> seconds on the wall, seconds by the processor."""


class Bench:
    def __init__(self, image: Image, peers: Peers, repeat: int, sessions: int, tell: Callable[[str], None]) -> None:
        self._image, self._peers = image, peers
        self._repeat, self._sessions, self._tell = repeat, sessions, tell

    # ---- rows

    def session(self) -> list[Measurement]:
        """A session from the pool; and an interpreter restored from the image without any process around it."""
        handed: list[float] = []
        first: list[float] = []
        with Pool(self._image) as pool:
            for _ in self._each("a session from a warm pool", 10):
                time.sleep(_PAUSE)
                before = time.perf_counter()
                with Session(pool) as session:
                    handed.append(1e3 * (time.perf_counter() - before))
                    session.run("1")
                    first.append(1e3 * (time.perf_counter() - before))
        self._tell("an interpreter restored in process")
        restored = native.start_on_large_stack(self._restore).result()
        return [
            Measurement("session from a warm pool", "ms", 3, True, tuple(handed)),
            Measurement("session from a warm pool, until its first result", "ms", None, True, tuple(first)),
            Measurement("interpreter restored in process", "ms", 0.5, True, restored),
        ]

    def start(self) -> list[Measurement]:
        """A new process until its first result."""
        ours: list[float] = []
        python: list[float] = []
        node: list[float] = []
        for _ in self._each("a new process"):
            before = time.perf_counter()
            with Session(self._image) as session:
                session.run("1 + 1")
                ours.append(time.perf_counter() - before)
            before = time.perf_counter()
            with self._peers.python() as peer:
                peer.run("1 + 1")
                python.append(time.perf_counter() - before)
            before = time.perf_counter()
            if peer := self._peers.node():
                with peer:
                    peer.run("1 + 1")
                    node.append(time.perf_counter() - before)
        return [
            Measurement("new process, until its first result", "s", 0.2, True, tuple(ours)),
            *_compared(f"{BESIDE}Node + Pyodide", "s", node),
            *_compared(f"{BESIDE}plain child Python", "s", python),
        ]

    def call(self) -> list[Measurement]:
        """A call of the host and back, by the guest's clock."""
        ours: list[float] = []
        python: list[float] = []
        loop = (
            "before = time.perf_counter()\n"
            f"for number in range({_CALLS}): call('echo', value=number)\n"
            f"call('took', value=(time.perf_counter() - before) / {_CALLS})"
        )
        with Session(self._image, host_calls=_answering(ours)) as session, self._peers.python() as peer:
            session.run("import time; from rlm_host import call")
            peer.run("import time")
            for _ in self._each("host calls"):
                session.run(loop)
                peer.run(loop, _answering(python))
        return [
            Measurement("host call, there and back", "us", 200, True, tuple(1e6 * seconds for seconds in ours)),
            *_compared(f"{BESIDE}plain child Python over a pipe", "us", [1e6 * seconds for seconds in python]),
        ]

    def memory(self) -> list[Measurement]:
        """What each of a hundred sessions takes beyond the first, having run a cell."""
        each: list[float] = []
        for _ in self._each(f"{_LIVE} sessions side by side"):
            with Pool(self._image, ahead=False) as pool:
                sessions = [_used(pool)]
                first = processes.share_of_memory()
                sessions += [_used(pool) for _ in range(_LIVE - 1)]
                all_ = processes.share_of_memory()
            for session in sessions:
                session.close()
            if first is None or all_ is None:
                self._tell("the memory of the sandbox's processes can be seen by root alone: the row is left out")
                return []
            each.append((all_ - first) / (_LIVE - 1) / 1e6)
        return [Measurement(f"a live session, of {_LIVE}", "MB", 10, True, tuple(each))]

    def text(self) -> list[Measurement]:
        """A large text into a session; and the most memory that all processes took for it together."""
        seconds: list[float] = []
        peaks: list[float] = []
        for _ in self._each("a text of 200 MB"):
            with Pool(self._image, ahead=False) as pool, Session(pool, limits=_AMPLE) as session:
                session.run("1")
                processes.forget_most()
                before = processes.resident() + sum(map(processes.resident, processes.sandbox_processes()))
                text = "0123456789abcdef" * (_TEXT // 16)
                started = time.perf_counter()
                session.set_text("context", text)
                seconds.append(time.perf_counter() - started)
                most = sum(map(processes.most_resident, [Path("/proc/self"), *processes.sandbox_processes()]))
                peaks.append((most - before) / _TEXT)
                del text
        return [
            Measurement("200 MB of text into a session", "s", 1, True, tuple(seconds)),
            Measurement("memory for it at most, all processes, by its size", "x", 3, True, tuple(peaks)),
        ]

    def rollback(self) -> list[Measurement]:
        """A cell in a session of 70 MB, which is a checkpoint too; and one that ends Python and is taken back."""
        kept: list[float] = []
        lost: list[float] = []
        with Session(self._image) as session:
            session.run("import os; ballast = b'x' * (40 << 20)")
            for _ in self._each("checkpoints", 10):
                kept.append(1e3 * _seconds(lambda: session.run("1")))
                lost.append(1e3 * _seconds(lambda: session.run("os._exit(1)")))
        return [
            Measurement("a cell in a session of 70 MB, checkpoint included", "ms", 20, True, tuple(kept)),
            Measurement("a cell that ends Python, rolled back", "ms", 100, True, tuple(lost)),
        ]

    def speed(self) -> list[Measurement]:
        """Pure Python against native CPython, and Node."""
        ours: list[tuple[float, float]] = []
        nodes: list[tuple[float, float]] = []
        beside: list[tuple[float, float]] = []
        source = PROGRAMS.read_text()
        for _ in self._each("pure Python"):
            native_ = _natively()
            with Session(self._image, limits=_AMPLE) as session:
                guest: _Times = json.loads(session.run(source).output)
            ours.append(_ratio(guest, native_))
            if peer := self._peers.node():
                with peer:
                    code = f"__name__ = 'programs'\n{source}\njson.dumps(measure(_processor))"
                    node: _Times = json.loads(peer.run(code))
                nodes.append(_ratio(node, native_))
                beside.append(_ratio(guest, node))
        cpython = f"CPython {platform.python_version()}"
        return [
            _ratios(f"time of pure Python, beside {cpython}", 2.0, ours),
            *([_ratios(f"{BESIDE}Node + Pyodide", None, nodes)] if nodes else []),
            *([_ratios("time of pure Python, beside Node + Pyodide", 1.3, beside)] if beside else []),
        ]

    def sql(self) -> list[Measurement]:
        """Queries in the sandbox, over a mounted file, against SQLite natively."""
        ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in queries.QUERIES}
        with tempfile.TemporaryDirectory() as folder:
            self._tell("making tables")
            queries.fill(database := Path(folder) / "tables.db")
            for _ in self._each("queries"):
                native_ = queries.natively(database)
                with Session(self._image, limits=_AMPLE) as session:
                    guest = queries.in_guest(session, database)
                for name, each in ratios.items():
                    each.append((guest[name][0] / native_[name][0], guest[name][1] / native_[name][1]))
        return [_ratios(f"time of {name}, beside native SQLite", 2.5, each) for name, each in ratios.items()]

    def build(self) -> list[Measurement]:
        """The image, once."""
        self._tell("building an image")
        with tempfile.TemporaryDirectory() as folder:
            sources = self._image.folder.parent / "sources"
            seconds = _seconds(lambda: ensure_image(Path(folder) / "image", source=sources))
        return [Measurement("image build, once per machine", "s", 10, True, (seconds,))]

    def soak(self) -> list[Measurement]:
        """Sessions in a row: what this process and the zygote have more at the end than after a tenth of them."""
        with Pool(self._image) as pool:
            before = processes.held()
            for number in range(self._sessions):
                if number % 100 == 0:
                    self._tell(f"{number:,} of {self._sessions:,} sessions")
                if number == self._sessions // 10:
                    before = processes.held()
                with Session(pool, limits=_AMPLE) as session:
                    session.run("x = [1] * 1000")
            after = processes.held()
        growth = [now - then for now, then in zip(after, before, strict=True)]
        name = f"{self._sessions:,} sessions in a row, growth of"
        return [
            Measurement(f"{name} memory", "MB", 1, True, (growth[0] / 1e6,)),
            Measurement(f"{name} descriptors", "", 0, True, (growth[1],)),
            Measurement(f"{name} threads", "", 0, True, (growth[2],)),
        ]

    # ---- what the rows share

    def _each(self, what: str, times: int = 1) -> Iterator[None]:
        for number in range(self._repeat * times):
            if number % times == 0:
                self._tell(f"{what}, {number // times + 1} of {self._repeat}")
            yield

    def _restore(self) -> tuple[float, ...]:
        program, library, modules = self._image.program(), self._image.library(), self._image.modules()
        taken: list[float] = []
        for _ in range(10 * self._repeat):
            before = time.perf_counter()
            files = guest_files(library, modules, most_bytes=0)
            machine = Machine(program, files, lambda _data: None, lambda _argument: 0)
            Interpreter(machine, self._image.anchors).refresh()
            taken.append(1e3 * (time.perf_counter() - before))
            machine.close()
        return tuple(taken)


ROWS: dict[str, Callable[[Bench], list[Measurement]]] = {
    "session": Bench.session,
    "start": Bench.start,
    "call": Bench.call,
    "memory": Bench.memory,
    "text": Bench.text,
    "rollback": Bench.rollback,
    "speed": Bench.speed,
    "sql": Bench.sql,
    "build": Bench.build,
    "soak": Bench.soak,
}


def _answering(taken: list[float]) -> dict[str, Callable[..., Any]]:
    def echo(value: int) -> int:
        return value

    def took(value: float) -> None:
        taken.append(value)

    return {"echo": echo, "took": took}


def _used(pool: Pool) -> Session:
    session = Session(pool)
    session.run("x = [1] * 1000")
    return session


def _seconds(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def _natively() -> _Times:
    done = subprocess.run([sys.executable, "-I", str(PROGRAMS)], check=True, capture_output=True)  # noqa: S603
    return json.loads(done.stdout)


def _ratio(one: _Times, other: _Times) -> tuple[float, float]:
    """How many times as long one took, on the wall and by the processor: the geometric mean over the programs."""
    logs = [[math.log(one[name][kind] / other[name][kind]) for name in one] for kind in (0, 1)]
    wall, processor = (math.exp(sum(each) / len(each)) for each in logs)
    return wall, processor


def _ratios(name: str, target: float | None, ratios: list[tuple[float, float]]) -> Measurement:
    wall, processor = (tuple(column) for column in zip(*ratios, strict=True))
    return Measurement(name, "x", target, True, wall, processor)


def _compared(name: str, unit: str, values: list[float]) -> list[Measurement]:
    """What is only there to compare with, where it is."""
    return [Measurement(name, unit, None, True, tuple(values))] if values else []
