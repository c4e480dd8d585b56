"""Grammar: the owner of a llama.cpp grammar sampler, asked about one token at a time.

Masking the whole vocabulary costs some 16 ms a token. The likeliest token is nearly always allowed, so it alone is
checked first, then the next few, then ever more. A grammar that takes its time over that is given up.
"""

import ctypes
import time
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlm_local.models.errors import GrammarError
from rlm_local.models.llama import Weights, c
from rlm_local.models.logits import Logits, likeliest

_FEW, _MANY = 64, 4096  # tokens that are checked together
_PATIENCE = 20.0  # seconds for all tokens of a reply; meanwhile nothing is decoded, for anybody
_MOST_CHARACTERS = 16_000
_DEEPEST = 500  # parentheses in each other: llama.cpp's parser recurses, and would end the process at some ten thousand
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data


class Grammar:
    """The state of one reply under a GBNF grammar.

    Args:
        patience: seconds that picking all tokens of the reply may take.

    Raises:
        GrammarError: the grammar cannot be parsed, or is too large to be parsed safely.
    """

    def __init__(self, weights: Weights, gbnf: str, *, patience: float = _PATIENCE) -> None:
        self._sampler: Any = None
        self._patience = patience
        _check(gbnf)
        with weights.in_use() as vocab:
            self._sampler = c.llama_sampler_init_grammar(vocab, gbnf.encode(errors="replace"), b"root")
        if not self._sampler:
            raise GrammarError(
                f"llama.cpp cannot parse the grammar that begins {gbnf[:60]!r}",
                remedy="It must be GBNF with a rule named root, and no left recursion",
            )

    def pick(self, logits: Logits) -> int:
        """The likeliest token that the grammar allows here; the grammar moves on by it.

        Raises:
            GrammarError: it allows none, or is too ambiguous to say so in time.
        """
        began = time.monotonic()
        for tokens in _likeliest_first(logits):
            allowed = self._allowed(logits, tokens)
            if len(allowed):
                token = int(allowed[0])
                c.llama_sampler_accept(self._sampler, token)
                self._patience -= time.monotonic() - began
                return token
            if time.monotonic() - began > self._patience:
                raise GrammarError("the grammar is too ambiguous", remedy="Ask for a simpler form of the answer")
        raise GrammarError("the grammar allows no token here")

    def _allowed(self, logits: Logits, tokens: NDArray[np.int64]) -> NDArray[np.int32]:
        candidates = np.zeros(len(tokens), _CANDIDATE)
        candidates["id"] = tokens
        candidates["logit"] = logits[tokens]
        pointer = ctypes.cast(candidates.ctypes.data, c.llama_token_data_p)
        array = c.llama_token_data_array(data=pointer, size=len(tokens), selected=-1, sorted=False)
        c.llama_sampler_apply(self._sampler, ctypes.byref(array))
        return candidates["id"][np.isfinite(candidates["logit"])]

    def close(self) -> None:
        """Free the sampler."""
        if self._sampler:
            c.llama_sampler_free(self._sampler)
            self._sampler = None


def _likeliest_first(logits: Logits) -> Iterator[NDArray[np.int64]]:
    """The likeliest token, the likeliest few, and then all of them in pieces: each as far as it is asked for."""
    yield likeliest(logits, 1)
    yield likeliest(logits, _FEW)
    tokens = likeliest(logits, len(logits))
    yield from (tokens[start : start + _MANY] for start in range(0, len(tokens), _MANY))


def _check(gbnf: str) -> None:
    """Refuse what llama.cpp's parser would crash on, or cut short."""
    depths = list(accumulate((char == "(") - (char == ")") for char in gbnf))
    if not gbnf.strip() or "\0" in gbnf:
        raise GrammarError("the grammar is empty, or holds a null character")
    if len(gbnf) > _MOST_CHARACTERS or max(depths) > _DEEPEST:
        raise GrammarError(
            f"the grammar has {len(gbnf):,} characters and is {max(depths)} parentheses deep",
            remedy=f"At most {_MOST_CHARACTERS:,} and {_DEEPEST} are allowed",
        )
