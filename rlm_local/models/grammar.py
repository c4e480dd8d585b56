"""Grammar: the owner of a llama.cpp grammar sampler, asked about one token at a time.

Masking the whole vocabulary costs some 16 ms a token. The likeliest token is nearly always allowed, so it alone is
checked first, then the next few, and the whole vocabulary only when all of those are refused.
"""

import ctypes
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlm_local.models.errors import GrammarError
from rlm_local.models.llama import Weights, c
from rlm_local.models.logits import Logits, likeliest

_FEW = 64
_MOST_CHARACTERS = 16_000
_DEEPEST = 500  # parentheses in each other: llama.cpp's parser recurses, and would end the process at some ten thousand
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data


class Grammar:
    """The state of one reply under a GBNF grammar.

    Raises:
        GrammarError: the grammar cannot be parsed, or is too large to be parsed safely.
    """

    def __init__(self, weights: Weights, gbnf: str) -> None:
        self._sampler: Any = None
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
            GrammarError: it allows none.
        """
        for count in (1, _FEW, len(logits)):
            allowed = self._allowed(logits, likeliest(logits, count))
            if len(allowed):
                token = int(allowed[0])
                c.llama_sampler_accept(self._sampler, token)
                return token
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
