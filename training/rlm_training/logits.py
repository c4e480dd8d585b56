"""Logits of the same tokens in llama.cpp and in transformers, and their divergence."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from rlm_local.models.adapters import NO_ADAPTERS, Adapters, AdapterSet
from rlm_local.models.llama import Batch, Context, Weights
from rlm_training.libraries import library

Logits = NDArray[np.float32]
"""Tokens x vocabulary: after each token, the logits of the next one."""


class LlamaLogits:
    """A GGUF model in llama.cpp that gives the logits after every token; a context manager.

    Raises:
        LoadError: llama.cpp refused the file, or there is no memory.
    """

    def __init__(self, path: Path, *, most_tokens: int = 512, threads: int = 2) -> None:
        self._weights = Weights(path)
        self._context = Context(
            self._weights, cells=max(256, most_tokens), sequences=1, batch=most_tokens, threads=threads
        )
        self._adapters = Adapters(path, self._weights.load_adapter)
        self._batch = Batch(most_tokens)
        self._under: AdapterSet = NO_ADAPTERS

    def adapt(self, adapter: Path, scale: float = 1.0) -> None:
        """Use a LoRA adapter from now on.

        Raises:
            AdapterError: the file is not a LoRA adapter, or is for other weights.
        """
        self._adapters.load("adapter", adapter)
        self._under = self._adapters.select({"adapter": scale})

    def tokenize(self, text: str) -> list[int]:
        """The tokens of a plain text."""
        return self._weights.tokenize(text)

    def of(self, tokens: Sequence[int]) -> Logits:
        """The logits after each of these tokens, which begin a text."""
        self._context.clear()
        self._context.adapt(self._under)
        self._batch.clear()
        for place, token in enumerate(tokens):
            self._batch.add(0, place, np.asarray([token], np.int32), wanted=True)
        self._context.decode(self._batch)
        return np.stack([self._context.logits(row).copy() for row in range(len(tokens))])

    def close(self) -> None:
        self._context.close()
        self._weights.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def transformers_logits(model: Any, tokens: Sequence[int]) -> Logits:
    """The same for a causal language model of transformers, with or without an adapter of PEFT."""
    torch = library("torch")
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([list(tokens)], device=model.device)).logits[0]
    return cast("Logits", logits.float().cpu().numpy())


def divergence(reference: Logits, other: Logits) -> float:
    """The mean over tokens of the Kullback-Leibler divergence of `other` from `reference`, in nats."""
    p, q = _log_softmax(reference), _log_softmax(other)
    return float((np.exp(p) * (p - q)).sum(axis=-1).mean())


def _log_softmax(logits: Logits) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    shifted = wide - wide.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
