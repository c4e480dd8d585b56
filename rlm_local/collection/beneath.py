"""Files opened below a folder, a step at a time, following no link: one swapped in between leads nowhere."""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe swapped in does not block


@contextmanager
def folder_below(root: int, steps: Sequence[str]) -> Generator[int]:
    """A descriptor of the folder at `steps` below the descriptor `root`, for as long as the context lasts.

    Raises:
        OSError: a step is no folder, is a link, or may not be read.
    """
    here = os.dup(root)
    try:
        for step in steps:
            there = os.open(step, _FOLDER, dir_fd=here)
            os.close(here)
            here = there
        yield here
    finally:
        os.close(here)


def open_below(root: int, steps: Sequence[str]) -> int:
    """A descriptor of the file at `steps` below the descriptor `root`; the caller closes it.

    Raises:
        OSError: a step on the way is no folder, the last one is a link, or it may not be read.
    """
    *way, name = steps
    with folder_below(root, way) as folder:
        return os.open(name, _FILE, dir_fd=folder)


def open_root(path: str) -> int:
    """A descriptor of a folder to read below."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
