"""LoRA adapters made up for tests: random directions on the queries of every layer."""

from contextlib import closing
from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from rlm_local.models.adapters import BASE_KEY
from rlm_local.models.gguf import read_header

_RANK = 4


def make_adapter(
    path: Path,
    base: Path,
    *,
    seed: int,
    strength: float = 0.3,
    sha256: str = "",
    architecture: str = "",
    width: int = 0,
) -> Path:
    """An adapter for a base model; another architecture or width than the base's makes one that does not fit."""
    header, random = read_header(base), np.random.default_rng(seed)
    width = width or int(header.metadata[f"{header.architecture}.embedding_length"])
    with closing(GGUFWriter(path, architecture or header.architecture)) as writer:
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", float(_RANK))
        if sha256:
            writer.add_string(BASE_KEY, sha256)
        for layer in range(header.layers):
            for name, shape in (("lora_a", (_RANK, width)), ("lora_b", (width, _RANK))):
                values = random.normal(0, strength, shape).astype(np.float32)
                writer.add_tensor(f"blk.{layer}.attn_q.weight.{name}", values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    return path
