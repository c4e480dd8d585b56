"""A base model's GGUF file for training: its names and shapes, and a copy without quantization."""

import math
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rlm_local.models.gguf import read_header
from rlm_training.errors import BaseError
from rlm_training.files import whole
from rlm_training.libraries import library

ROTATED: Mapping[str, tuple[str, ...]] = {"llama": ("attn_q", "attn_k"), "qwen2": ()}
"""The known architectures; for each, the tensors whose rows GGUF has in another order than transformers."""


class BaseWeights:
    """The weights of a GGUF file, read on demand.

    Raises:
        GgufError: it is not a GGUF file, or is cut short.
        BaseError: its architecture is not known.
        ExtraMissingError: gguf is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        header = read_header(path)
        self.architecture = header.architecture
        if self.architecture not in ROTATED:
            raise BaseError(
                f"{path} is a model of the architecture {self.architecture}",
                remedy=f"Those that can be trained are {', '.join(ROTATED)}",
            )
        self.layers = int(header.metadata[f"{self.architecture}.block_count"])
        self.heads = int(header.metadata[f"{self.architecture}.attention.head_count"])
        self.kv_heads = int(header.metadata.get(f"{self.architecture}.attention.head_count_kv", self.heads))

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, int]]:
        """(outputs, inputs) of each matrix, by its name in GGUF."""
        tensors = self._reader.tensors
        return {t.name: (int(t.shape[1]), int(t.shape[0])) for t in tensors if len(t.shape) == 2}

    def heads_of(self, tensor: str) -> int:
        """Within how many heads the rows of a tensor are reordered; 0 if the order is that of transformers."""
        kind = tensor.split(".")[-2]
        if kind not in ROTATED[self.architecture]:
            return 0
        return self.heads if kind == "attn_q" else self.kv_heads

    def tensor_of(self, module: str) -> str | None:
        """The GGUF name of a module's weight, given its name in transformers; None if there is none."""
        return self._names.get_name(f"{module}.weight", try_suffixes=(".weight",))

    def write_float(self, out: Path) -> None:
        """Writes a copy with all weights as 32-bit floats, four bytes per parameter."""
        gguf = library("gguf")
        with whole(out) as made, closing(gguf.GGUFWriter(made, self.architecture)) as writer:
            for field in self._reader.fields.values():
                if field.name.startswith("GGUF.") or field.name == "general.architecture":
                    continue
                kind = field.types[0]
                of = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
                writer.add_key_value(field.name, field.contents(), kind, sub_type=of)
            tensors = [(t.name, tuple(int(n) for n in reversed(t.shape)), t) for t in self._reader.tensors]
            for name, shape, _ in tensors:
                writer.add_tensor_info(name, shape, np.dtype(np.float32), 4 * math.prod(shape))
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            for _, shape, tensor in tensors:
                values = gguf.dequantize(tensor.data, tensor.tensor_type).reshape(shape)
                writer.write_tensor_data(values.astype(np.float32))

    @cached_property
    def _reader(self) -> Any:
        return library("gguf").GGUFReader(self.path)

    @cached_property
    def _names(self) -> Any:
        gguf = library("gguf")
        [architecture] = [key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == self.architecture]
        return gguf.get_tensor_name_map(architecture, self.layers)
