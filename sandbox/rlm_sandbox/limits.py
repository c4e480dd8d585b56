"""What a cell may use, and what came of it."""

from dataclasses import dataclass
from typing import Literal

Stopped = Literal["time", "memory", "host_calls", "trap", "killed", "worker"]


@dataclass(frozen=True)
class Limits:
    """Bounds of one session. All but `memory_bytes` and `file_bytes` are per cell.

    Args:
        seconds: guest time; time inside host calls does not count. Then the cell is interrupted.
        grace_seconds: what it has to finish after the interrupt. Then the session ends.
        memory_bytes: the guest's whole memory, 64 MiB to 4 GiB; 30 MiB of it is Python itself.
        output_bytes: of stdout and stderr together, and of the traceback; longer text is cut in the middle.
        host_calls: how many.
        host_call_bytes: of one request or reply, as JSON.
        file_bytes: of all scratch files.
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
        output: stdout and stderr in the order written, cut in the middle where longer than the limit.
        error: the traceback, with source lines, of the guest's frames only; None where the cell came to its end.
        stopped: what stopped it, where its own code did not: "time", "memory" or "host_calls" name the limit; "trap"
            (the instance is lost), "killed" (`Session.kill`), "worker" (its process died). After "trap", "killed",
            "worker", and after "time" where the cell did not heed the interrupt, `Session.alive` is false.
        seconds: guest time.
    """

    output: str
    error: str | None
    stopped: Stopped | None
    seconds: float
