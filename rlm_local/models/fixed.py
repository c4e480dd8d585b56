"""FixedPrompts: the KV of prompts that never change, between the KV memory and the shelf on disk."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from rlm_local.models.kv import KV, Sequence, Tokens
from rlm_local.models.shelf import Shelf


class StateMemory(Protocol):
    """The part of a llama.cpp context that saves and restores sequences."""

    def save(self, sequence: int) -> bytes: ...
    def restore(self, sequence: int, state: memoryview, length: int) -> bool: ...


class FixedPrompts:
    """Loads a fixed prompt from the shelf before it would be evaluated, and puts it there once it was.

    Args:
        shelf: where they are kept; nothing is kept without one.
    """

    def __init__(self, memory: StateMemory, kv: KV, shelf: Shelf | None) -> None:
        self._memory = memory
        self._kv = kv
        self._shelf = shelf
        self._missing: set[bytes] = set()  # not on the shelf; to be saved when evaluated

    def load(self, tokens: Tokens, lengths: tuple[int, ...], space: bytes) -> None:
        """Load the longest fixed beginning of a prompt that is on the shelf, unless as much is in the KV or on its way.

        Args:
            lengths: how long its fixed beginnings are, in tokens, the shortest first.
        """
        if self._shelf is None or not lengths:
            return
        held = max(self._kv.match(tokens, space=space)[1], self._kv.coming(tokens, space=space))
        for length in reversed(lengths):
            if held >= length or self._load(self._shelf, tokens[:length], space):
                return

    def save(self, evaluated: Sequence, lengths: Iterable[int]) -> None:
        """Put the fixed beginnings of a prompt on the shelf that are evaluated by now and were not there."""
        if self._shelf is None or not self._missing:  # as after nearly every decode
            return
        for tokens in [evaluated.tokens[:length] for length in lengths if length <= evaluated.length]:
            if _key(tokens, evaluated.space) in self._missing:
                self._save(self._shelf, tokens, evaluated.space)

    def _load(self, shelf: Shelf, tokens: Tokens, space: bytes) -> bool:
        """Whether these need no shorter beginning: they are loaded, or there is no room for them."""
        if _key(tokens, space) in self._missing:
            return False
        sequence = self._kv.reserve(tokens, space=space)
        if sequence is None:
            return True
        state = shelf.load(tokens, space)
        if state is not None and self._memory.restore(sequence.id, state, len(tokens)):
            self._kv.grow(sequence, len(tokens))
            self._kv.finish(sequence)
            return True
        self._kv.drop(sequence)
        self._missing.add(_key(tokens, space))
        return False

    def _save(self, shelf: Shelf, tokens: Tokens, space: bytes) -> None:
        self._missing.discard(_key(tokens, space))
        sequence = self._kv.admit(np.append(tokens, np.int32(-1)), room=0, space=space)
        if sequence is not None:
            if sequence.length == len(tokens):
                shelf.save(tokens, self._memory.save(sequence.id), space)
            self._kv.drop(sequence)


def _key(tokens: Tokens, space: bytes) -> bytes:
    return space + b"/" + tokens.tobytes()
