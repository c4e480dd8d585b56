"""A LoRA adapter as PEFT saves it: matrices in safetensors, and what they mean in adapter_config.json."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rlm_training.errors import ConversionError
from rlm_training.libraries import library

_MATRIX = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
_REFUSED = {
    "use_dora": "DoRA",
    "lora_bias": "biases of the adapter's own",
    "modules_to_save": "modules trained whole",
    "trainable_token_indices": "trained tokens",
    "layer_replication": "replicated layers",
    "target_parameters": "adapted parameters",
    "use_qalora": "QALoRA",
    "alora_invocation_tokens": "invocation tokens",
    "fan_in_fan_out": "transposed weights",
}
"""Settings of PEFT that change what an adapter computes in a way that GGUF has no words for."""


@dataclass(frozen=True)
class Pair:
    """What is added to a module's weight: `scale` times `b` (outputs x rank) times `a` (rank x inputs)."""

    a: NDArray[np.float32]
    b: NDArray[np.float32]
    scale: float

    @property
    def rank(self) -> int:
        return self.a.shape[0]


@dataclass(frozen=True)
class Lora:
    """An adapter: a pair of matrices for each module, by its name in transformers ("model.layers.0.mlp.up_proj")."""

    pairs: Mapping[str, Pair]
    alpha: float
    """Of modules without one of their own."""


def read_lora(directory: Path) -> Lora:
    """The adapter in a folder that PEFT wrote.

    Raises:
        ConversionError: it is incomplete or damaged, or does what a LoRA in GGUF cannot: DoRA, biases, trained tokens.
        ExtraMissingError: safetensors is not installed.
    """
    config = _config(directory)
    path = directory / "adapter_model.safetensors"
    try:
        tensors = cast("dict[str, NDArray[np.generic]]", library("safetensors.numpy").load_file(path))
    except (OSError, ValueError, TypeError, library("safetensors").SafetensorError) as error:
        raise ConversionError(f"{path} cannot be read: {error}", remedy="Train the adapter again") from error
    sides: dict[str, dict[str, NDArray[np.float32]]] = {}
    for name, tensor in tensors.items():
        match = _MATRIX.fullmatch(name)
        if match is None:
            raise ConversionError(f"{path} holds {name}, which is no matrix of a LoRA", remedy="Train plain LoRA")
        if not np.isfinite(tensor).all():
            raise ConversionError(f"{name} in {path} has numbers that are not finite", remedy="Train with a lower rate")
        sides.setdefault(match["module"], {})[match["side"]] = tensor.astype(np.float32)
    if not sides:
        raise ConversionError(f"{path} holds no matrices", remedy="Train the adapter again")
    return Lora({module: _pair(module, each, config) for module, each in sides.items()}, float(config["lora_alpha"]))


def _config(directory: Path) -> Mapping[str, Any]:
    path = directory / "adapter_config.json"
    try:
        config = cast("dict[str, Any]", json.loads(path.read_text("utf-8")))
        kind, bias = config["peft_type"], config.get("bias", "none")
        float(config["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConversionError(f"{path} is no adapter's: {error!r}", remedy="Name the folder that PEFT wrote") from error
    refused = [words for key, words in _REFUSED.items() if config.get(key)]
    if kind != "LORA":
        refused.append(f"{kind} adapters")
    if bias != "none":
        refused.append(f"trained biases ({bias})")
    if refused:
        raise ConversionError(f"{path}: GGUF has no {', no '.join(refused)}", remedy="Train plain LoRA")
    return config


def _pair(module: str, sides: Mapping[str, NDArray[np.float32]], config: Mapping[str, Any]) -> Pair:
    if set(sides) != {"A", "B"}:
        raise ConversionError(f"{module} has only one of its two matrices", remedy="Train the adapter again")
    a, b = sides["A"], sides["B"]
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
        raise ConversionError(f"{module}: {b.shape} times {a.shape} is no product", remedy="Train the adapter again")
    alpha = _own(module, config.get("alpha_pattern") or {}, config["lora_alpha"])
    rank = a.shape[0]
    return Pair(a, b, alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))


def _own(module: str, patterns: Mapping[str, Any], default: Any) -> float:
    """A module's own value: PEFT matches a pattern against the end of the name, the first one wins."""
    for pattern, value in patterns.items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return float(value)
    return float(default)
