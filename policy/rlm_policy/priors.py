"""Priors: the few numbers that stand beside what a model says, by model and prompt version.

A turn's plan in the log has the confidence that an answer was given, apart from what the model said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Confidence:
    """How often an answer is taken to be right, by what speaks for it; guesses where nothing was measured.

    Attributes:
        across: programs of both dialects came to it.
        alone: the likeliest program of one dialect did.
        sampled: only a sampled program did.
        read, whole: it was read in passages, or in all of the text.
        judged: a model was asked about each row or document.
    """

    across: float = 0.9
    alone: float = 0.6
    sampled: float = 0.3
    read: float = 0.5
    whole: float = 0.5
    judged: float = 0.4


@dataclass(frozen=True)
class Priors:
    """What is added to what a model says of where to look, in nats, and how sure agreement makes."""

    looks: Mapping[str, float] = field(default_factory=dict[str, float])
    confidence: Confidence = Confidence()


_DEFAULT = Priors()
_BY_MODEL: Mapping[tuple[str, str], Priors] = {
    # 39 answers that found something, to 63 questions over real files of ten domains: right were 3 of 4 that both
    # dialects came to, 14 of 22 of one, 6 of 13 that were read. The questions had been looked at while programs were
    # made, so on other files it will be less.
    #
    # "notes" stood 2.1 to 3.2 nats above "text" for four questions that want all of a document, and from 1.6 below to
    # 1.4 above for ten facts of such documents, of which three were answered by a summary.
    ("qwen2.5-coder-1.5b", "programs-2"): Priors(
        looks={"notes": -1.75}, confidence=Confidence(across=0.75, alone=0.64, read=0.46)
    ),
}


def priors_of(model: str, prompt_version: str) -> Priors:
    """The priors of a model under a prompt; those of no model in particular where none were measured."""
    return _BY_MODEL.get((model, prompt_version), _DEFAULT)
