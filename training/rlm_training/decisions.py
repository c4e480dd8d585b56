"""Decision accuracy: how many held-out decisions a model takes right. The loss falls long before it rises."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlm_training.datasets import Sample
from rlm_training.inputs import learned_logits, to_inputs
from rlm_training.libraries import library
from rlm_training.packing import IGNORED, Piece, pack

_JUDGE = "judge:"


@dataclass(frozen=True)
class Decisions:
    """The places of samples where something is decided, and the tokens that were ever taken at such a place.

    The first token of a reply is the plan's op; after "judge:" it says whether every item is asked about.
    """

    pieces: tuple[Piece, ...]
    taken: Mapping[str, frozenset[int]]
    kinds: tuple[tuple[str, ...], ...]
    """Of each sample the kinds of its decisions, "op" or "judge", in order."""

    names: tuple[str, ...]
    """Of each sample what is right."""


def find_decisions(samples: Sequence[Sample], tokenizer: Any) -> Decisions:
    """The decisions of some samples; tokens are given their text by the base's tokenizer."""
    taken: dict[str, set[int]] = {"op": set(), "judge": set()}
    pieces: list[Piece] = []
    kinds: list[tuple[str, ...]] = []
    for sample in samples:
        places = {0: "op"}
        text = ""
        for place, token in enumerate(sample.completion_ids):
            if text.endswith(_JUDGE):
                places[place] = "judge"
            text += str(tokenizer.decode([token]))
        for place, kind in places.items():
            taken[kind].add(sample.completion_ids[place])
        labels = [t if place in places else IGNORED for place, t in enumerate(sample.completion_ids)]
        ends = max(places) + 1
        tokens = (*sample.prompt_ids, *sample.completion_ids[:ends])
        pieces.append(Piece(tokens, (*[IGNORED] * len(sample.prompt_ids), *labels[:ends])))
        kinds.append(tuple(places[place] for place in sorted(places)))
    frozen = {kind: frozenset(tokens) for kind, tokens in taken.items()}
    return Decisions(tuple(pieces), frozen, tuple(kinds), tuple(sample.decision for sample in samples))


@dataclass(frozen=True)
class Accuracy:
    """How many of `n` samples have all their decisions right; `wrong` says which right ones were missed."""

    n: int
    right: int
    wrong: Mapping[str, int]

    @property
    def share(self) -> float:
        return self.right / self.n if self.n else 0.0


def measure(model: Any, decisions: Decisions, step_tokens: int) -> Accuracy:
    """The share of samples whose decisions the model takes right, each among the tokens ever taken at its place."""
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
    """Whether each sample of a pack, the first of which has this number, has all of its decisions right."""
    right: dict[int, list[bool]] = {}
    for row, label, owner in zip(logits, labels, owners, strict=True):
        own = right.setdefault(owner, [])
        kind = decisions.kinds[first + owner - 1][len(own)]
        options = sorted(decisions.taken[kind])
        best = options[int(row[options].argmax())]
        own.append(best == label)
    return [all(right[owner]) for owner in sorted(right)]
