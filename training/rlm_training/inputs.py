"""A pack as what a model of transformers takes."""

from typing import Any

from rlm_training.attention import attend_in_packs
from rlm_training.libraries import library
from rlm_training.packing import IGNORED, Pack


def to_inputs(pack: Pack, model: Any) -> dict[str, Any]:
    """One row each of tokens, labels and positions, and where samples end, which the model is made to heed."""
    attend_in_packs(model)
    torch = library("torch")
    rows = {"input_ids": pack.tokens, "labels": pack.labels, "position_ids": pack.positions}
    return {name: torch.from_numpy(row)[None].to(model.device) for name, row in rows.items()} | {"ends": pack.ends}


def learned_logits(model: Any, inputs: dict[str, Any]) -> tuple[Any, Any]:
    """What the model gives a pack's inputs for the tokens that are learned, [learned, vocabulary] in 32 bits, and those
    tokens, [learned]."""
    rest = dict(inputs)
    labels = rest.pop("labels")[0]
    learned = (labels != IGNORED).nonzero().flatten()
    return model(**rest, logits_to_keep=learned - 1, use_cache=False).logits[0].float(), labels[learned]
