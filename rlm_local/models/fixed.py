"""FixedPrompts: the KV of prompts that never change, between the KV memory and the shelf on disk."""

from typing import Protocol

import numpy as np

from rlm_local.models.kv import KV, Tokens
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

    def load(self, tokens: Tokens, space: bytes) -> None:
        """Load the KV of a fixed prompt if it is on the shelf and not in the KV or on its way there."""
        if self._shelf is None or _key(tokens, space) in self._missing:
            return
        at_hand, coming = self._kv.match(tokens, space=space)[1], self._kv.coming(tokens, space=space)
        if len(tokens) in (at_hand, coming):
            return
        sequence = self._kv.reserve(tokens, space=space)
        if sequence is None:
            return
        state = self._shelf.load(tokens, space)
        if state is not None and self._memory.restore(sequence.id, state, len(tokens)):
            self._kv.grow(sequence, len(tokens))
            self._kv.finish(sequence)
        else:
            self._kv.drop(sequence)
            self._missing.add(_key(tokens, space))

    def save(self, tokens: Tokens, space: bytes) -> None:
        """Put the KV of a fixed prompt, which was just evaluated, on the shelf if it is not there."""
        if self._shelf is None or _key(tokens, space) not in self._missing:
            return
        self._missing.discard(_key(tokens, space))
        sequence = self._kv.admit(np.append(tokens, np.int32(-1)), room=0, space=space)
        if sequence is not None:
            if sequence.length == len(tokens):
                self._shelf.save(tokens, self._memory.save(sequence.id), space)
            self._kv.drop(sequence)


def _key(tokens: Tokens, space: bytes) -> bytes:
    return space + b"/" + tokens.tobytes()
