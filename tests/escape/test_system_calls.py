"""The kernel's view of the same attempts: which system calls the sandbox's processes make while they run."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rlm_sandbox import Image
from tests.escape.attempts import ATTEMPTS

# Of the calls that have to do with files, the network and processes. A fork and a thread (clone3 is refused, and libc
# then uses clone), their ends, and messages over the one socket that the worker was born with.
_WORKERS = {
    "clone",
    "clone3",
    "exit",
    "exit_group",
    "wait4",
    "sendmsg",
    "recvmsg",
    "getsockname",
    "getsockopt",
    "shutdown",
}
_ZYGOTES = _WORKERS | {"waitid", "kill", "getpeername"}
_STATUS = re.compile(r'(newfstatat\(\d+, "", .*|fstat\(.*)')  # of a descriptor, not of a path
_CALL = re.compile(r"(\d+) +((\w+)\(.*)")
_FORK = re.compile(r"(\d+) +(?:<\.\.\. )?clone.* = (\d+)$")


class Call(NamedTuple):
    process: int
    name: str
    text: str


class Fork(NamedTuple):
    """The end of a call that made a process or thread."""

    parent: int
    child: int


def _events(log: Path) -> Iterator[Call | Fork]:
    lines = log.read_text(errors="replace").splitlines()
    last = {line.partition(" ")[0]: number for number, line in enumerate(lines)}
    before: re.Match[str] | None = None  # the last call that began; lines of calls that go on may stand between
    for number, line in enumerate(lines):
        found = _CALL.match(line)
        if found and not (number == last[found[1]] and _echoes(before, found)):
            yield Call(int(found[1]), found[3], found[2])
        before = found or before
        if found := _FORK.match(line):
            yield Fork(int(found[1]), int(found[2]))


def _echoes(other: re.Match[str] | None, last: re.Match[str]) -> bool:
    """Whether the last line of a process is no call of its own: of one that is killed before it can be read, strace
    repeats to the letter what it read last, of another process."""
    return other is not None and other[1] != last[1] and other[2] == last[2] and last[2].endswith("<unfinished ...>")


@pytest.fixture(scope="module")
def log(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (Debian: apt install strace)")
    log = tmp_path_factory.mktemp("strace") / "log"
    classes = ["-f", "-qq", "-s", "80", "-e", "trace=%file,%network,%process", "-e", "signal=none", "-o", str(log)]
    program = [sys.executable, "-m", "tests.escape.run_all", str(image.folder.parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path.cwd())])}
    if subprocess.run([strace, "-o", str(log), "true"], check=False, capture_output=True).returncode:
        pytest.skip("the kernel lets nobody be traced here")
    subprocess.run([strace, *classes, *program], check=True, env=environment)
    return log


def test_nothing_is_opened_connected_or_started(log: Path) -> None:
    zygote, workers, seen = 0, set[int](), 0
    for event in _events(log):
        if isinstance(event, Fork):
            if event.parent in {zygote, *workers}:
                workers.add(event.child)
        elif event.name == "execve" and '"rlm_sandbox.zygote"' in event.text:
            zygote = event.process
        elif event.process == zygote and workers:
            assert event.name in _ZYGOTES or _STATUS.match(event.text), event
        elif event.process in workers:
            assert event.name in _WORKERS or _STATUS.match(event.text), event
            seen += 1
    assert seen > len(workers) > 4 * len(ATTEMPTS)  # a process and a thread for the session, and for each of two cells


@pytest.mark.parametrize(
    "before", ["7 kill(-8, SIGKILL) = 0", "7 openat(3, <unfinished ...>", "8 kill(-8, SIGKILL <unfinished ...>"]
)
def test_the_last_call_of_a_process_is_its_own_unless_another_has_just_made_the_same(
    tmp_path: Path, before: str
) -> None:
    log = tmp_path / "log"
    log.write_text(f"{before}\n8 kill(-8, SIGKILL <unfinished ...>\n")
    assert [*_events(log)][-1] == Call(8, "kill", "kill(-8, SIGKILL <unfinished ...>")
    between = "9 <... recvmsg resumed>) = ? <unavailable>\n"
    log.write_text(f"7 kill(-8, SIGKILL <unfinished ...>\n{between}8 kill(-8, SIGKILL <unfinished ...>\n")
    assert [*_events(log)] == [Call(7, "kill", "kill(-8, SIGKILL <unfinished ...>")]
