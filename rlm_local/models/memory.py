"""Memory: how much this machine has left, and how much of it a model would take.

These are estimates, made before anything is loaded. A model takes its weights, the KV of its context, and what a decode
needs besides. With the default model, 1.48 GB were measured, of which 1.35 are weights and KV.
"""

import os
from dataclasses import dataclass
from pathlib import Path

BUFFERS = 400_000_000
"""Bytes for the buffers of a decode, the logits of all sequences, and Python."""

LEAST_CONTEXT = 2_048
"""Tokens; in a smaller context, the prompt for a program does not fit with its worked cases."""

_STEP = 1_024
_PROCESSORS = 8_192
_PER_CORE = 2_048
_MOST_ON_PROCESSORS = 32_768
_MOST_ON_DEVICES = 65_536
_FOR_KV = 0.5
"""The share of what the weights leave; the rest is for documents, sandboxes, and other programs."""

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Needs:
    """What a model needs.

    Attributes:
        weights: bytes of all weights.
        cell: KV bytes for a token; 0 if unknown.
        trained: the most tokens that it was trained on; 0 if unknown.
    """

    weights: int
    cell: int
    trained: int

    def bytes(self, context: int) -> int:
        """Bytes with a context of so many tokens."""
        return self.weights + context * self.cell + BUFFERS

    @property
    def least(self) -> int:
        """The least bytes with which it runs at all."""
        return self.bytes(min(LEAST_CONTEXT, self.trained or LEAST_CONTEXT))


@dataclass(frozen=True)
class Room:
    """What is left for a model, in bytes.

    Attributes:
        memory: bytes of the machine's memory; None if the system does not say.
        devices: bytes of each device that computes besides the processor.
        cores: how many physical cores this process may use.
    """

    memory: int | None
    devices: tuple[int, ...]
    cores: int

    @property
    def bytes(self) -> int | None:
        """All memory together, because layers that do not fit on devices stay with the processor."""
        return None if self.memory is None else self.memory + sum(self.devices)

    def holds(self, needs: Needs) -> bool:
        """Whether a model runs here at all."""
        return self.bytes is None or needs.least <= self.bytes

    def on_devices(self, needs: Needs) -> bool:
        """Whether it fits on devices as a whole."""
        return needs.least <= sum(self.devices)

    def context(self, needs: Needs) -> int:
        """How many tokens of context suit model and machine.

        On processors it grows with the number of cores: with two, a prompt of 8,192 tokens takes a minute. On devices,
        only memory limits it. It is never more than the model was trained on, or than fits in half of what its weights
        leave.
        """
        fast = self.on_devices(needs)
        most = _MOST_ON_DEVICES if fast else min(_MOST_ON_PROCESSORS, max(_PROCESSORS, _PER_CORE * self.cores))
        if self.bytes is not None and needs.cell:
            room = sum(self.devices) if fast else self.bytes
            affordable = int(_FOR_KV * (room - needs.weights - BUFFERS)) // needs.cell
            most = min(most, max(LEAST_CONTEXT, affordable // _STEP * _STEP))
        return min(most, needs.trained or most)


def available_memory() -> int | None:
    """Bytes that a new process can have, as Linux estimates it, within the limit of this process's control group.

    On other systems, the memory that is built in; None if the system does not say even that.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        try:
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):
            return None
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    return min(free, _left_in_group(_CGROUP, free))


def physical_cores() -> int:
    """How many physical cores this process may run on: two threads on one core are slower than one."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores: set[str] = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text().strip() if siblings.exists() else str(cpu))
    return len(cores)


def gigabytes(size: int) -> str:
    """Bytes as text for people: "4.7 GB"."""
    return f"{size / 1e9:.1f} GB"


def _left_in_group(group: Path, free: int) -> int:
    """What a container's limit leaves; `free` if there is none. Pages that only cache files count as free."""
    try:
        limit, used = int((group / "memory.max").read_text()), int((group / "memory.current").read_text())
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(0, limit - used + int(statistics.get("inactive_file", 0)))
    except (OSError, ValueError):  # "max" is not a number
        return free
