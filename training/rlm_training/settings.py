"""What a training is told."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """How a LoRA is trained; all that decides the result, so that it can be repeated."""

    rank: int = 16
    alpha: int = 32
    learning_rate: float = 2e-4
    epochs: float = 2.0
    step_tokens: int = 3_072
    """Of a step, at most; a longer sample has a step of its own."""

    evaluations: int = 8
    """How often the decisions on held-out samples are looked at."""

    patience: int = 3
    """Evaluations in a row that bring nothing better, after which training ends."""

    beta: float = 0.1
    """How far preferences may lead away from the model before them (DPO, KTO, GRPO)."""

    sft_weight: float = 1.0
    """Of the likelihood of what is right, beside preferences (DPO): without it both sides may become unlikely."""

    generations: int = 8
    """Rollouts of each prompt (GRPO)."""

    seed: int = 0

    def data(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""What is adapted: all linear modules of a layer."""
