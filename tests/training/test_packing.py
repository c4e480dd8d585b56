from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rlm_training.packing import IGNORED, Pack, Piece, pack


def piece(prompt: list[int], completion: list[int]) -> Piece:
    return Piece((*prompt, *completion), (*[IGNORED] * len(prompt), *completion))


TOKENS = st.integers(1, 3)
PIECES = st.lists(
    st.builds(piece, st.lists(TOKENS, min_size=1, max_size=8), st.lists(TOKENS, min_size=1, max_size=3)),
    min_size=1,
    max_size=8,
)


def unpacked(whole: Pack) -> list[tuple[list[int], list[int]]]:
    """Of each sample its tokens, those of the beginning first, and their labels."""
    samples: list[tuple[list[int], list[int]]] = []
    for start, end in pairwise(whole.ends):
        places = [*range(whole.ends[0]), *range(start, end)]
        assert whole.positions[places].tolist() == list(range(len(places)))
        samples.append((whole.tokens[places].tolist(), whole.labels[places].tolist()))
    return samples


@given(PIECES, st.integers(4, 40))
def test_every_sample_is_the_beginning_and_its_own_part(pieces: list[Piece], most: int) -> None:
    packs = pack(pieces, most)
    assert [s for whole in packs for s in unpacked(whole)] == [(list(p.tokens), list(p.labels)) for p in pieces]
    assert all(len(whole.tokens) <= most for whole in packs if whole.owners.max() > 1)


@given(PIECES)
def test_what_predicts_a_label_is_the_token_before_it_in_its_own_sample(pieces: list[Piece]) -> None:
    for whole in pack(pieces, 40):
        learned = np.flatnonzero(whole.labels != IGNORED)
        assert (whole.owners[learned] == whole.owners[learned - 1]).all()


def test_a_common_beginning_is_there_once() -> None:
    beginning = list(range(100, 150))
    pieces = [piece([*beginning, n], [n]) for n in range(10)]
    [whole] = pack(pieces, 1000)
    assert len(whole.tokens) == 50 + 10 * 2
