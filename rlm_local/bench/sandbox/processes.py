"""What the kernel says of this process and of the sandbox's processes under it."""

import os
from pathlib import Path

_SELF = Path("/proc/self")


def sandbox_processes() -> list[Path]:
    """`/proc/N` of each zygote and worker that lives."""
    found: list[Path] = []
    parents = [os.getpid()]
    while parents:
        parents = [child for parent in parents for child in _children(parent)]
        found += [Path(f"/proc/{child}") for child in parents]
    return [process for process in found if b"rlm_sandbox.zygote" in _read(process / "cmdline")]


def share_of_memory() -> int | None:
    """Bytes that the sandbox's processes take, what they share counted once; None where that may not be seen: the
    processes are not dumpable, so their owner may not."""
    total = 0
    for process in sandbox_processes():
        fields = _fields(process / "smaps_rollup")
        if "Pss" not in fields:
            return None
        total += fields["Pss"]
    return total


def resident(process: Path = _SELF) -> int:
    """Bytes in memory."""
    return _fields(process / "status").get("VmRSS", 0)


def most_resident(process: Path = _SELF) -> int:
    """The most bytes that were in memory since `forget_most`."""
    return _fields(process / "status").get("VmHWM", 0)


def forget_most() -> None:
    (_SELF / "clear_refs").write_text("5")


def held() -> tuple[int, int, int]:
    """Resident bytes, descriptors and threads of this process and of the zygotes."""
    processes = [_SELF, *(Path(f"/proc/{child}") for child in _children(os.getpid()))]
    descriptors, threads = (sum(len(list((p / name).iterdir())) for p in processes) for name in ("fd", "task"))
    return sum(map(resident, processes)), descriptors, threads


def _children(parent: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{parent}/task").iterdir())
    except OSError:  # it has ended meanwhile
        return []
    return [int(child) for task in tasks for child in _read(task / "children").split()]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _fields(path: Path) -> dict[str, int]:
    """The fields of a file of /proc that are in kB, in bytes."""
    lines = (line.split() for line in _read(path).decode("ascii", "replace").splitlines())
    return {words[0].rstrip(":"): int(words[1]) << 10 for words in lines if len(words) == 3 and words[2] == "kB"}
