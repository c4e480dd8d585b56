"""A grammar that is asked token by token."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rlm_local.models.errors import GrammarError
from rlm_local.models.grammar import Grammar
from rlm_local.models.llama import Weights
from rlm_local.models.logits import Logits


@pytest.fixture(scope="module")
def weights(smollm_path: Path) -> Iterator[Weights]:
    weights = Weights(smollm_path)
    yield weights
    weights.close()


def against(weights: Weights, text: str) -> tuple[Logits, int]:
    """Logits under which the text's first token is the last of all."""
    [token, *_] = weights.tokenize(text)
    logits = np.arange(weights.vocab_size, dtype=np.float32) + 1
    logits[token] = 0
    return logits, token


def test_it_takes_the_only_token_that_it_allows_however_unlikely(weights: Weights) -> None:
    logits, token = against(weights, "q")
    grammar = Grammar(weights, 'root ::= "q"')
    assert grammar.pick(logits) == token
    grammar.close()


def test_one_that_takes_its_time_is_given_up(weights: Weights) -> None:
    logits, _ = against(weights, "q")
    grammar = Grammar(weights, 'root ::= "q"', patience=0.0)
    with pytest.raises(GrammarError, match="too ambiguous"):
        grammar.pick(logits)
    grammar.close()
