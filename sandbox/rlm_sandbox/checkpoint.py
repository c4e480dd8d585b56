"""Checkpoints: what may go wrong runs in a fork of the process, so the process itself is the checkpoint.

After the fork, the kernel copies only pages that either side writes, which takes some milliseconds for a session of
70 MB. To roll back, the process that waited continues. This covers all state (linear memory, globals, files, the host's
own objects) and every failure, even the death of the process.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

_KEPT, _LOST = b"+", b"-"


@dataclass(frozen=True)
class Outcome:
    """The result of an attempt, and whether the process that it ran in can continue."""

    reply: bytes
    kept: bool


@dataclass(frozen=True)
class Death:
    """The end of a process that left no outcome. `status` is an exit status, or minus the number of a signal."""

    status: int
    cpu_seconds: float

    def __str__(self) -> str:
        how = f"by {signal.Signals(-self.status).name}" if self.status < 0 else f"with status {self.status}"
        return f"the sandbox process ended {how}"


def attempt(work: Callable[[], Outcome]) -> bytes | Death:
    """Run `work` in a fork, and return in the process that continues; the other process ends.

    If the outcome is kept, the fork continues. If not, or if the fork died, this process does, as it was before. There
    must be only one thread. What `work` raises is raised in the fork, and this process sees a Death. Raises OSError if
    the kernel cannot make a process.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with os.fdopen(writer, "wb") as report:
            outcome = work()
            report.write(_KEPT if outcome.kept else _LOST + outcome.reply)
        if not outcome.kept:
            os._exit(0)
        return outcome.reply
    os.close(writer)
    with os.fdopen(reader, "rb") as report:
        said = report.read()
    if said == _KEPT:
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    if said and not status:
        return said.removeprefix(_LOST)
    return Death(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime)
