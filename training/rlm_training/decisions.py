"""Decision accuracy: how many held-out decisions a model gets right. The loss falls long before it rises."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlm_training.datasets import Sample
from rlm_training.inputs import learned_logits, to_inputs
from rlm_training.libraries import library
from rlm_training.packing import IGNORED, Piece, pack

_Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Decisions:
    """What samples decide: the first line of each reply, which says where to look, and all lines that occur."""

    pieces: tuple[Piece, ...]
    taken: Mapping[_Tokens, frozenset[int]]
    """The tokens that can follow each beginning of that line."""

    looks: tuple[_Tokens, ...]
    """For each sample, the tokens of the line."""

    names: tuple[str, ...]
    """For each sample, the right decision."""


def find_decisions(samples: Sequence[Sample], tokenizer: Any) -> Decisions:
    """The decisions of some samples; the base's tokenizer gives the text of tokens."""
    taken: dict[_Tokens, set[int]] = {}
    looks = tuple(_first_line(sample.completion_ids, tokenizer) for sample in samples)
    for look in looks:
        for place, token in enumerate(look):
            taken.setdefault(look[:place], set()).add(token)
    pieces = tuple(
        Piece((*sample.prompt_ids, *look), (*[IGNORED] * len(sample.prompt_ids), *look))
        for sample, look in zip(samples, looks, strict=True)
    )
    frozen = {before: frozenset(tokens) for before, tokens in taken.items()}
    return Decisions(pieces, frozen, looks, tuple(sample.decision for sample in samples))


def _first_line(tokens: _Tokens, tokenizer: Any) -> _Tokens:
    """Tokens up to the first one with a line break, or all."""
    end = next((place for place, token in enumerate(tokens) if "\n" in str(tokenizer.decode([token]))), len(tokens))
    return tokens[: end + 1]


@dataclass(frozen=True)
class Accuracy:
    """How many of `n` samples were decided right; `wrong` counts the right decisions that were missed."""

    n: int
    right: int
    wrong: Mapping[str, int]

    @property
    def share(self) -> float:
        return self.right / self.n if self.n else 0.0


def measure(model: Any, decisions: Decisions, step_tokens: int) -> Accuracy:
    """How many samples the model decides right, choosing each token among those that can stand in its place."""
    torch = library("torch")
    was_training = model.training
    model.eval()
    verdicts: list[bool] = []
    try:
        with torch.no_grad():
            for packed in pack(decisions.pieces, step_tokens):
                logits, labels = learned_logits(model, to_inputs(packed, model))
                owners = packed.owners[packed.labels != IGNORED].tolist()
                verdicts += _verdicts(logits, labels.tolist(), owners, decisions, len(verdicts))
    finally:
        model.train(was_training)
    missed = Counter(name for name, right in zip(decisions.names, verdicts, strict=True) if not right)
    return Accuracy(len(verdicts), sum(verdicts), dict(missed))


def _verdicts(
    logits: Any, labels: Sequence[int], owners: Sequence[int], decisions: Decisions, first: int
) -> list[bool]:
    """Whether each sample of a pack is decided right; the first sample has the number `first`."""
    right: dict[int, list[bool]] = {}
    for row, label, owner in zip(logits, labels, owners, strict=True):
        own = right.setdefault(owner, [])
        look = decisions.looks[first + owner - 1]
        options = sorted(decisions.taken[look[: len(own)]])
        own.append(options[int(row[options].argmax())] == label)
    return [all(right[owner]) for owner in sorted(right)]
