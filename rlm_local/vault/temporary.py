"""Temporary files of a process that has opened something sealed."""

import os
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  that is the point of it


def keep_in_memory() -> None:
    """Lets all temporary files of this process lie in memory alone from now on, where the system has a place for that:
    large uploads and unpacked archives come to such files, and they are not sealed."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        tempfile.tempdir = str(_MEMORY)
