"""What a process does that knows a key: what it has opened stays in its memory."""

import ctypes
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  that is the point of it
_PR_SET_DUMPABLE = 4


def keep_in_memory() -> None:
    """Lets nothing that this process has opened come to a disk from now on, as far as the system has means for that.

    All temporary files lie in memory: large uploads and unpacked archives come to such files, and they are not sealed.
    And the kernel writes no core dump of it, neither to a file nor to a program that collects them; a debugger of the
    same user cannot look into it either.
    """
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        tempfile.tempdir = str(_MEMORY)
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what it starts inherits this
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # for a program, the limit is none: core(5)
