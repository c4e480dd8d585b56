"""What this machine can train with, and how much memory and time a training will take."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_training.errors import TrainerError
from rlm_training.libraries import library

_PROBE = 1024
_CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class Device:
    """Where to train ("cuda" or "cpu"), and with which numbers ("bfloat16" or "float32")."""

    name: str
    dtype: str

    @property
    def torch_dtype(self) -> Any:
        return getattr(library("torch"), self.dtype)


@dataclass(frozen=True)
class Estimate:
    """An upper bound for a training; `seconds` on a machine that does nothing else."""

    tokens: int
    """The tokens of all steps together."""

    memory_bytes: int
    seconds: float

    def __str__(self) -> str:
        minutes = max(1, round(self.seconds / 60))
        return f"{self.tokens:,} tokens, {self.memory_bytes / 1e9:.1f} GB of memory, {minutes} minutes or more"


def choose_device() -> Device:
    """CUDA if there is one; bfloat16 only if the hardware computes with it."""
    torch = library("torch")
    if torch.cuda.is_available():
        return Device("cuda", "bfloat16" if torch.cuda.is_bf16_supported() else "float32")
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text("utf-8") if cpu.exists() else ""
    return Device("cpu", "bfloat16" if any(flag in flags for flag in _CPU_BFLOAT16) else "float32")


def estimate(model: Any, device: Device, tokens: int, longest: int) -> Estimate:
    """Estimates what it takes to train a LoRA on a model.

    Args:
        tokens: the tokens of all steps together; each goes through the model forwards and backwards.
        longest: the most tokens of a step.
    """
    config = model.config.get_text_config()
    size = 2 if device.dtype == "bfloat16" else 4
    parameters = sum(parameter.numel() for parameter in model.parameters())
    wide = 30 * config.hidden_size + 10 * config.intermediate_size  # measured: peaks of 135M and 0.5B on a processor
    memory = size * (parameters + longest * config.num_hidden_layers * wide)
    return Estimate(tokens, memory, 4 * parameters * tokens / _flops(device))


def check_memory(needed: Estimate) -> None:
    """Raises TrainerError if this machine has less memory free."""
    path = Path("/proc/meminfo")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    available = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
    free = available.get("MemAvailable")
    if free is not None and needed.memory_bytes > free:
        raise TrainerError(
            f"training needs {needed.memory_bytes / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free",
            remedy="Take a smaller model, or fewer tokens a step, as in --set step_tokens=1500",
        )


def _flops(device: Device) -> float:
    """Floating-point operations per second, measured with a large matrix product."""
    torch = library("torch")
    square = torch.ones(_PROBE, _PROBE, dtype=device.torch_dtype, device=device.name)
    seconds: list[float] = []
    for _ in range(3):
        started = time.perf_counter()
        float((square @ square)[0, 0])
        seconds.append(time.perf_counter() - started)
    return 2 * _PROBE**3 / max(min(seconds), 1e-6)
