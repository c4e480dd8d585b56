"""Adapters: LoRA adapters that are loaded beside the weights, and the sets of them that calls are evaluated under."""

import hashlib
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from rlm_local.models.errors import AdapterError
from rlm_local.models.gguf import GgufHeader, read_header

BASE_KEY = "rlm_local.base_sha256"
"""Metadata of an adapter file: the sha256 of the weights that it was trained on, in hex."""

_REMEDY = "Use an adapter that was trained for these weights"


@dataclass(frozen=True)
class AdapterSet:
    """Adapters with their scales. Two sets are equal if KV of the one is KV of the other.

    Attributes:
        identity: what tells KV under it from KV under others, 40 bytes an adapter; empty for the model as it is.
        parts: each adapter's llama_adapter_lora pointer, and its scale.
    """

    identity: bytes = b""
    parts: tuple[tuple[int, float], ...] = field(default=(), compare=False)


NO_ADAPTERS = AdapterSet()


class Adapters:
    """The adapters that are loaded, by name.

    Args:
        weights: the GGUF file that they are for.
        load: hands an adapter's file to llama.cpp and returns the llama_adapter_lora pointer; raises AdapterError.
    """

    def __init__(self, weights: Path, load: Callable[[Path], int]) -> None:
        self._weights = weights
        self._hand_over = load
        self._loaded: dict[str, tuple[bytes, int]] = {}

    def load(self, name: str, path: Path) -> None:
        """Load an adapter under a name. One that had the name before is out of reach, and freed with the weights.

        Raises:
            AdapterError: the file is no LoRA adapter, or is for other weights.
            GgufError: the file is no GGUF, or cut short.
        """
        self._check(path, read_header(path))
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        self._loaded[name] = digest, self._hand_over(path)

    def select(self, scales: Mapping[str, float]) -> AdapterSet:
        """The set of the adapters of these names; a scale of 0 is as good as none.

        Raises:
            AdapterError: no adapter has that name, or a scale is not a number.
        """
        parts: list[tuple[bytes, int, float]] = []
        for name, scale in scales.items():
            if name not in self._loaded:
                raise AdapterError(
                    f"no adapter is called {name!r}", remedy=f"Loaded are: {', '.join(self._loaded) or 'none'}"
                )
            if not math.isfinite(scale):
                raise AdapterError(f"the scale of adapter {name!r} is {scale}, which is no number")
            if scale:
                parts.append((*self._loaded[name], float(scale)))
        parts.sort()
        identity = b"".join(digest + struct.pack("<d", scale) for digest, _, scale in parts)
        return AdapterSet(identity, tuple((handle, scale) for _, handle, scale in parts))

    def _check(self, path: Path, header: GgufHeader) -> None:
        said = header.metadata
        if (said.get("general.type"), said.get("adapter.type")) != ("adapter", "lora"):
            raise AdapterError(f"{path} is no LoRA adapter", remedy="Give a GGUF file that holds one")
        if not isinstance(said.get("adapter.lora.alpha"), float):
            raise AdapterError(f"{path} does not say its alpha", remedy="Convert the adapter again")
        if header.architecture != self._base.architecture:
            raise AdapterError(
                f"{path} is for {header.architecture or 'unknown'} models, not {self._base.architecture}",
                remedy=_REMEDY,
            )
        base = said.get(BASE_KEY)
        if base is not None and base != self._base_sha256:
            raise AdapterError(
                f"{path} was trained on weights with the sha256 {str(base)[:16]}..., not {self._base_sha256[:16]}...",
                remedy=_REMEDY,
            )

    @cached_property
    def _base(self) -> GgufHeader:
        return read_header(self._weights)

    @cached_property
    def _base_sha256(self) -> str:
        with self._weights.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
