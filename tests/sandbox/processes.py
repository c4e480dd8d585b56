"""The sandbox processes of this process, as the kernel lists them."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def processes() -> list[Path]:
    """`/proc/N` of each that lives: zygotes, then workers."""
    found: list[Path] = []
    parents = [os.getpid()]
    while parents:
        parents = [child for parent in parents for child in _children(parent)]
        found += [Path(f"/proc/{child}") for child in parents]
    return [process for process in found if _is_sandbox(process)]


def zygotes() -> list[Path]:
    """Those that others are forked from."""
    return [process for process in processes() if int(process.name) in _children(os.getpid())]


def workers() -> list[Path]:
    """Those in which guests live, or will."""
    return [process for process in processes() if int(process.name) not in _children(os.getpid())]


def kill_processes() -> None:
    """SIGKILL for all of them, the workers first: these do not live long without their zygote."""
    for process in reversed(processes()):
        with suppress(ProcessLookupError):
            os.kill(int(process.name), signal.SIGKILL)


def _children(parent: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{parent}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has ended meanwhile
        return []


def _is_sandbox(process: Path) -> bool:
    try:
        return b"rlm_sandbox.zygote" in (process / "cmdline").read_bytes()  # a zombie's is empty
    except OSError:
        return False
