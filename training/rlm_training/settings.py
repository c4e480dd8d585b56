"""The settings of a training."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """How a LoRA is trained: everything that determines the result, so that it can be repeated."""

    rank: int = 16
    alpha: int = 32
    learning_rate: float = 2e-4
    epochs: float = 2.0
    step_tokens: int = 3_072
    """The most tokens of a step; a longer sample has a step of its own."""

    evaluations: int = 8
    """How often decisions on held-out samples are evaluated."""

    patience: int = 3
    """Training ends after this many evaluations in a row without improvement."""

    beta: float = 0.1
    """How strongly the model is held to the one that it started from (DPO, KTO, GRPO)."""

    sft_weight: float = 1.0
    """Weight of the likelihood of the better reply (DPO); without it, both replies may become unlikely."""

    generations: int = 8
    """Rollouts for each prompt (GRPO)."""

    seed: int = 0

    def data(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The modules that are adapted: all linear ones of a layer."""
