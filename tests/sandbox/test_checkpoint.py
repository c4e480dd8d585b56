import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from rlm_sandbox.checkpoint import Death, Outcome, attempt


def _in_a_process(function: Callable[[], str]) -> str:
    """What it returns, run in a process of its own: an attempt that is kept ends the process that made it."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, function().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(child, 0)
    return said


def test_what_is_kept_goes_on_in_the_fork() -> None:
    def grow() -> str:
        state = [0]
        pids = {os.getpid()}
        for number in range(1, 4):
            reply = attempt(lambda number=number: Outcome(str(state.append(number)).encode(), kept=True))
            assert reply == b"None"
            pids.add(os.getpid())
        return f"{state} in {len(pids)}"

    assert _in_a_process(grow) == "[0, 1, 2, 3] in 4"


def test_what_is_not_kept_leaves_no_trace_but_its_reply() -> None:
    state = [0]
    here = os.getpid()
    reply = attempt(lambda: Outcome(b"x" * 1_000_000 + str(state.append(1)).encode(), kept=False))
    assert reply == b"x" * 1_000_000 + b"None"
    assert (state, os.getpid()) == ([0], here)


@pytest.mark.parametrize("status", [-signal.SIGKILL, -signal.SIGSEGV, 3])
def test_a_death_is_told_with_its_cause(status: int) -> None:
    def die() -> Outcome:
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), -status) if status < 0 else os._exit(status)
        raise AssertionError

    death = attempt(die)
    assert isinstance(death, Death)
    assert death.status == status
    assert death.cpu_seconds >= 0
    assert ("SIGKILL" in str(death)) == (status == -signal.SIGKILL)


def test_a_death_while_reporting_is_a_death() -> None:
    def report_half() -> Outcome:
        raise SystemExit

    def half() -> str:
        try:
            return str(attempt(report_half))
        except SystemExit:
            os._exit(1)

    assert _in_a_process(half) == "the sandbox process ended with status 1"


def test_no_process_and_no_descriptor_is_left() -> None:
    def left() -> str:
        """In a process of its own, which has no other children than what the attempt leaves."""
        before = set(Path("/proc/self/fd").iterdir())
        attempt(lambda: Outcome(b"", kept=False))
        same = set(Path("/proc/self/fd").iterdir()) == before
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return f"no process is left, and the descriptors are the same: {same}"
        return "a process is left"

    assert _in_a_process(left) == "no process is left, and the descriptors are the same: True"
