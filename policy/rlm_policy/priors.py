"""Priors: a few numbers that correct what a model says of its own answers, by model and prompt version."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Odds:
    """The log odds that the result of a program is right, by logistic regression.

    Attributes:
        base: the log odds if one dialect has the result, and the model finds the program as likely right as wrong.
        across: what is added if programs of both dialects have the result.
        python: what is added if only programs in Python have it.
        right: what is added for each nat by which the model finds "right" likelier than "wrong" (the P(True) of arXiv
            2207.05221); 0 for a model that was not measured.
    """

    base: float = 0.4
    across: float = 1.1
    python: float = 0.0
    right: float = 0.0

    def of(self, *, across: bool = False, python: bool = False, right: float) -> float:
        """The log odds, in nats."""
        return self.base + self.across * across + self.python * python + self.right * right


@dataclass(frozen=True)
class Confidence:
    """The probability that an answer is right, by how it came about. The defaults are guesses.

    Attributes:
        programs: for the result of a program.
        enough: if no result is at least this sure, more programs are sampled.
        judged: for an answer that rests on what a model said of each row or document.
    """

    programs: Odds = Odds()
    enough: float = 0.5
    judged: float = 0.4


@dataclass(frozen=True)
class Priors:
    """Nats that are added to what the model says of each look, and how sure each kind of answer is."""

    looks: Mapping[str, float] = field(default_factory=dict[str, float])
    confidence: Confidence = Confidence()


_DEFAULT = Priors()
_BY_MODEL: Mapping[tuple[str, str], Priors] = {
    # Programs: fitted, with a ridge, on 98 answers about some thirty sets of real files; of these 47 of 60 were right
    # where the files had been looked at while programs were made, 19 of 38 elsewhere. Left out one by one, the log loss
    # is 0.614, where the share of right ones alone has 0.632; of 15 that are more than 0.8 sure 12 are right. Where SQL
    # and Python agree 0.81 are right, else 0.61. Where they differ and one of them is right, it is SQL for 16 of 22
    # questions; with what Python loses here, 19 of the 22 are chosen rightly, without it 13.
    #
    # "notes" stood 2.1 to 3.2 nats above "text" for four questions that want all of a document, and from 1.6 below to
    # 1.4 above for ten facts of such documents, of which three were answered by a summary.
    ("qwen2.5-coder-1.5b", "programs-2"): Priors(
        looks={"notes": -1.75},
        confidence=Confidence(programs=Odds(base=-0.34, across=0.81, python=-0.4, right=1.75), enough=0.6),
    ),
}


@dataclass(frozen=True)
class Readings:
    """How likely what was read is right. The defaults are guesses.

    Attributes:
        words: the log odds of an answer in a few words, which the model has found right or wrong.
        sentences: the probability of an answer of several sentences, which is not checked.
    """

    words: Odds = Odds(base=0.0)
    sentences: float = 0.5


_READINGS: Mapping[tuple[str, str], Readings] = {
    # Words: fitted, with a ridge, on 75 answers that were read over real files, 25 of them right. Left out one by one,
    # the log loss is 0.567, where the share of right ones alone has 0.637; the order is right for 0.75 of all pairs.
    # Sentences: 6 of 13 readings of all kinds were right.
    ("qwen2.5-coder-1.5b", "check-1"): Readings(words=Odds(base=0.80, right=1.27), sentences=0.46),
}
DOUBTED = 0.25
"""What was read and is less likely right than this is not given as an answer. Of the 75, these are 25 wrong answers and
5 right ones."""


def readings_of(model: str, check_version: str) -> Readings:
    """How likely what a model reads is right, under a version of the check; the defaults if it was not measured."""
    return _READINGS.get((model, check_version), Readings())


def share(odds: float) -> float:
    """The probability that has these log odds, which are in nats."""
    return 1 / (1 + math.exp(-odds))


def priors_of(model: str, prompt_version: str) -> Priors:
    """The priors of a model under a version of the prompts; the defaults if none were measured."""
    return _BY_MODEL.get((model, prompt_version), _DEFAULT)
