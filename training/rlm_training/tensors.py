"""A pack as the tensors that a model of transformers takes."""

from typing import Any

from rlm_training.libraries import library
from rlm_training.packing import Pack


def to_tensors(pack: Pack, model: Any) -> dict[str, Any]:
    """One row of tokens, labels, positions, and the mask of what sees what (added to the attention's scores)."""
    torch = library("torch")
    hidden = torch.finfo(model.dtype).min
    sees = torch.from_numpy(pack.sees())
    mask = torch.zeros(sees.shape, dtype=model.dtype).masked_fill_(~sees, hidden)
    tensors = {
        "input_ids": torch.from_numpy(pack.tokens)[None],
        "labels": torch.from_numpy(pack.labels)[None],
        "position_ids": torch.from_numpy(pack.positions)[None],
        "attention_mask": mask[None, None],
    }
    return {name: tensor.to(model.device) for name, tensor in tensors.items()}
