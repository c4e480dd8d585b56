"""Attention over a pack: the shared beginning once, then each sample over the beginning and itself.

A single mask over the whole pack would be correct, too, but take most of a step's time: the work grows with the square
of the pack's length, and more than half of it would be for pairs that do not see each other.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from rlm_training.libraries import library

_NAME = "packed"


def attend_in_packs(model: Any) -> None:
    """Make the `forward` of a transformers model take `ends` (see `Pack.ends`); without them, nothing changes."""
    if model.config.get_text_config()._attn_implementation == _NAME:
        return
    transformers = library("transformers")
    transformers.AttentionInterface.register(_NAME, _attention)
    transformers.AttentionMaskInterface.register(_NAME, library("transformers.masking_utils").sdpa_mask)
    model.set_attn_implementation(_NAME)


def _attention(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, *, ends: Sequence[int] = (), **rest: Any
) -> tuple[Any, None]:
    """As transformers calls it: [1, heads, tokens, width] for each of query, key and value; gives [1, tokens, heads,
    width]."""
    sdpa = library("transformers.integrations.sdpa_attention").sdpa_attention_forward
    if not ends:
        return sdpa(module, query, key, value, attention_mask, **rest)
    torch = library("torch")
    shared = ends[0]
    parts: list[Any] = []
    for start, end in pairwise((0, *ends)):
        if start == end:
            continue
        own = slice(start, end)
        before = slice(0, shared if start else 0)
        keys, values = (torch.cat((all_[:, :, before], all_[:, :, own]), 2) for all_ in (key, value))
        sees = torch.ones(end - start, keys.shape[2], dtype=torch.bool, device=query.device).tril(before.stop)
        parts.append(sdpa(module, query[:, :, own], keys, values, sees[None, None] if start else None, **rest)[0])
    return torch.cat(parts, 1), None
