"""A pack as what a model of transformers takes."""

from typing import Any

from rlm_training.attention import attend_in_packs
from rlm_training.libraries import library
from rlm_training.packing import Pack


def to_inputs(pack: Pack, model: Any) -> dict[str, Any]:
    """One row each of tokens, labels and positions, and where samples end, which the model is made to heed."""
    attend_in_packs(model)
    torch = library("torch")
    rows = {"input_ids": pack.tokens, "labels": pack.labels, "position_ids": pack.positions}
    return {name: torch.from_numpy(row)[None].to(model.device) for name, row in rows.items()} | {"ends": pack.ends}
