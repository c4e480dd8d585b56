"""Converts a LoRA adapter from PEFT to GGUF, for llama.cpp to load beside the base model.

The format is that of llama.cpp's own converter (https://github.com/ggml-org/llama.cpp, convert_lora_to_gguf.py): each
adapted tensor NAME has two more, NAME.lora_a and NAME.lora_b, and llama.cpp adds alpha / rank * B A.
"""

from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlm_local.models.adapters import BASE_KEY
from rlm_training.errors import ConversionError
from rlm_training.files import sha256, whole
from rlm_training.libraries import library
from rlm_training.lora import Lora
from rlm_training.weights import BaseWeights


def write_gguf(lora: Lora, base: BaseWeights, out: Path) -> None:
    """Write the adapter as a GGUF file, which names the base by its sha256.

    Raises:
        ConversionError: the base lacks a module, or has it in another shape.
        TrainingError: the file cannot be written; nothing of it is left.
    """
    tensors = to_tensors(lora, base)
    gguf = library("gguf")
    with whole(out) as made, closing(gguf.GGUFWriter(made, base.architecture)) as writer:
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", lora.alpha)
        writer.add_string(BASE_KEY, sha256(base.path))
        for name, tensor in tensors.items():
            writer.add_tensor(name, tensor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()


def to_tensors(lora: Lora, base: BaseWeights) -> dict[str, NDArray[np.float32]]:
    """The adapter's tensors by their names in GGUF. B contains the part of a scale that alpha / rank does not."""
    tensors: dict[str, NDArray[np.float32]] = {}
    for module, pair in sorted(lora.pairs.items()):
        name = base.tensor_of(module)
        if name is None or name not in base.shapes:
            raise _not_for(base, f"it has no {module}")
        shape = (pair.b.shape[0], pair.a.shape[1])
        if base.shapes[name] != shape:
            raise _not_for(base, f"{module} is {base.shapes[name]} there and {shape} in the adapter")
        folded = pair.scale * pair.rank / lora.alpha
        tensors[f"{name}.lora_a"] = pair.a
        tensors[f"{name}.lora_b"] = _rotated(pair.b, base.heads_of(name)) * np.float32(folded)
    return tensors


def _rotated(b: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows in llama.cpp's order: it rotates neighbours, while transformers rotates the halves of each head."""
    if not heads:
        return b
    rows, rank = b.shape
    return b.reshape(heads, 2, rows // heads // 2, rank).swapaxes(1, 2).reshape(rows, rank)


def _not_for(base: BaseWeights, why: str) -> ConversionError:
    return ConversionError(f"the adapter is not for {base.path}: {why}", remedy="Name the base it was trained on")
