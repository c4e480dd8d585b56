"""Options: the probability of each of a few texts as what comes next, from as few evaluations as it takes.

The options' tokens form a trie. An option's score is the log probability of the shortest prefix that tells it from
the others: its first token where first tokens differ, which one evaluation gives for all of them. Where options share
first tokens, the inner nodes of the trie are evaluated too, as branches of the prompt. Where one option is the
beginning of another ("user", "user_id"), it gets the probability that is left: that the text does not go on as any of
the longer ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlm_local.models.logits import normalise

_LEAST = 1e-9  # probability of ending, at least: rounding must not make it zero or less


@dataclass(frozen=True)
class Branch:
    """An inner node of the trie: two or more options begin with `path`.

    Attributes:
        path: tokens from the prompt to here.
        children: the tokens that options continue with.
        members: for each child, the options that go on there.
        ended: the option that ends here, if one does.
    """

    path: tuple[int, ...]
    children: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]
    ended: int | None


class Options:
    """The trie of some options.

    Args:
        tokens: each option's tokens.

    Raises:
        ValueError: there is no option, an empty one, or the same one twice.
    """

    def __init__(self, tokens: Sequence[Sequence[int]]) -> None:
        if not tokens or not all(tokens):
            raise ValueError("options must not be empty")
        if len({tuple(option) for option in tokens}) < len(tokens):
            raise ValueError("options must differ")
        self._tokens = [tuple(option) for option in tokens]
        self.branches: list[Branch] = []
        self._grow(tuple(range(len(tokens))), 0)

    @property
    def depth(self) -> int:
        """The longest path to a branch, in tokens."""
        return max(len(branch.path) for branch in self.branches)

    def logprobs(self, rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Log probabilities of the options, normalised.

        Args:
            rows: for each branch, the log probabilities of its children among all tokens.
        """
        scores = np.zeros(len(self._tokens))
        for branch, row in zip(self.branches, rows, strict=True):
            for members, logprob in zip(branch.members, row, strict=True):
                scores[list(members)] += logprob
            if branch.ended is not None:
                scores[branch.ended] += np.log(max(_LEAST, 1.0 - float(np.exp(row).sum())))
        return normalise(scores)

    def _grow(self, group: tuple[int, ...], depth: int) -> None:
        members: dict[int, list[int]] = {}
        ended = None
        for option in group:
            if len(self._tokens[option]) == depth:
                ended = option
            else:
                members.setdefault(self._tokens[option][depth], []).append(option)
        groups = tuple(tuple(each) for each in members.values())
        self.branches.append(Branch(self._tokens[group[0]][:depth], tuple(members), groups, ended))
        for each in groups:
            if len(each) > 1:
                self._grow(each, depth + 1)
