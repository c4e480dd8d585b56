"""What a cell may use, and what it did."""

from dataclasses import dataclass
from typing import Literal

Stopped = Literal["time", "memory", "host_calls", "trap", "killed", "worker"]


@dataclass(frozen=True)
class Limits:
    """The limits of a session. All except `memory_bytes` and `file_bytes` are for one cell.

    Args:
        seconds: guest time, without time inside host calls; after that, the cell is interrupted.
        grace_seconds: how long the cell may take to finish after the interrupt; after that, its process is ended.
        memory_bytes: the guest's whole memory, 64 MiB to 4 GiB; Python itself takes 30 MiB of it.
        output_bytes: stdout and stderr together, and also the traceback; longer text is cut in the middle.
        host_calls: the number of host calls.
        host_call_bytes: the size of one request or reply, as JSON.
        file_bytes: the size of all scratch files together.
    """

    seconds: float = 60.0
    grace_seconds: float = 3.0
    memory_bytes: int = 1 << 30
    output_bytes: int = 64_000
    host_calls: int = 10_000
    host_call_bytes: int = 16 << 20
    file_bytes: int = 64 << 20

    def __post_init__(self) -> None:
        if not 64 << 20 <= self.memory_bytes <= 4 << 30:
            raise ValueError(f"memory_bytes is {self.memory_bytes:,}, not between 64 MiB and 4 GiB")
        others = (self.seconds, self.grace_seconds, self.output_bytes, self.host_call_bytes)
        if not all(value > 0 for value in others) or min(self.host_calls, self.file_bytes) < 0:
            raise ValueError(f"limits must be positive: {self}")


@dataclass(frozen=True)
class CellResult:
    """What a cell did.

    Args:
        output: stdout and stderr in the order written, cut in the middle if longer than the limit.
        error: the traceback of the guest's frames, with source lines; None if the cell ran to its end.
        stopped: what stopped the cell, if not its own code: "time", "memory" or "host_calls" for a limit, "trap" (the
            instance is lost), "killed" (`Session.kill`), or "worker" (its process died).
        seconds: guest time.
    """

    output: str
    error: str | None
    stopped: Stopped | None
    seconds: float
