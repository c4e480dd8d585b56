"""A checkpoint is the process itself: what may go wrong runs in a fork of it.

From the fork on the kernel copies the pages that either side writes, and no others: with 70 MB of session that takes
some milliseconds, and rolling back is to go on in the process that waited. All state is covered (linear memory,
globals, files, the host's own objects), and so is every way to fail, down to the death of the process.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

_KEPT, _LOST = b"+", b"-"


@dataclass(frozen=True)
class Outcome:
    """What an attempt has to say, and whether the process that it ran in is good to go on."""

    reply: bytes
    kept: bool


@dataclass(frozen=True)
class Death:
    """How a process ended that left no outcome. `status` is an exit status, or a signal's number, negative."""

    status: int
    cpu_seconds: float

    def __str__(self) -> str:
        how = f"by {signal.Signals(-self.status).name}" if self.status < 0 else f"with status {self.status}"
        return f"the sandbox process ended {how}"


def attempt(work: Callable[[], Outcome]) -> bytes | Death:
    """Run `work` in a fork, and return in the process that counts from then on: in the fork, where the outcome is kept;
    where it is not, or the fork died, in this one, as it was before. The other process ends.

    There must be one thread. What `work` raises passes on in the fork; this process then sees a Death. Raises OSError
    where the kernel gives no process.
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
