"""Packs: many samples in one sequence, which share the beginning of their prompts.

All prompts for programs begin with the same rules and worked cases, some nine tenths of their length. A pack has this
beginning once, and then the end of each sample, which sees the beginning and itself, but no other sample. So the loss
and its gradient are the same as with the samples one by one, for a fraction of the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IGNORED = -100
"""The label of tokens that are not learned, as in torch."""


@dataclass(frozen=True)
class Piece:
    """A sample to be packed: its tokens and their labels, which are the tokens themselves, or IGNORED."""

    tokens: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Pack:
    """A sequence of samples. All arrays have one item per token.

    Attributes:
        owners: 0 for the shared beginning, n for the n-th sample.
    """

    tokens: NDArray[np.int64]
    labels: NDArray[np.int64]
    positions: NDArray[np.int64]
    owners: NDArray[np.int64]

    @property
    def ends(self) -> tuple[int, ...]:
        """Where the beginning ends (0 if there is none), then where each sample ends."""
        return tuple(np.cumsum(np.bincount(self.owners)).tolist())


def pack(pieces: Sequence[Piece], most_tokens: int) -> list[Pack]:
    """The pieces in order, as many in each pack as fit; a piece that is too long for a pack has one of its own."""
    packs: list[Pack] = []
    group: list[Piece] = []
    shared = 0
    for piece in pieces:
        common = _common(group[0].tokens, piece.tokens, shared) if group else _learned_from(piece)
        common = min(common, _learned_from(piece))
        size = common + sum(len(each.tokens) - common for each in (*group, piece))
        if group and size > most_tokens:
            packs.append(_packed(group, shared))
            group, common = [], _learned_from(piece)
        group.append(piece)
        shared = common
    return [*packs, _packed(group, shared)] if group else packs


def _learned_from(piece: Piece) -> int:
    """How many of the first tokens can be shared: all before the one that predicts the first learned token."""
    learned = [place for place, label in enumerate(piece.labels) if label != IGNORED]
    return max(0, (learned[0] if learned else len(piece.tokens)) - 1)


def _common(one: Sequence[int], other: Sequence[int], most: int) -> int:
    most = min(most, len(one), len(other))
    return next((place for place in range(most) if one[place] != other[place]), most)


def _packed(group: Sequence[Piece], shared: int) -> Pack:
    ends = [(piece.tokens[shared:], piece.labels[shared:]) for piece in group]
    beginning = group[0].tokens[:shared]
    owners = [0] * shared + [number for number, (tokens, _) in enumerate(ends, 1) for _ in tokens]
    positions = [*range(shared), *(place for tokens, _ in ends for place in range(shared, shared + len(tokens)))]
    labels = [IGNORED] * shared + [label for _, own in ends for label in own]
    return Pack(
        tokens=np.asarray([*beginning, *(token for tokens, _ in ends for token in tokens)], np.int64),
        labels=np.asarray(labels, np.int64),
        positions=np.asarray(positions, np.int64),
        owners=np.asarray(owners, np.int64),
    )
