"""Priors: a few numbers that correct what a model says of its own answers, by model and prompt version."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Odds:
    """How sure the result of a program is: the log odds that it is right, a logistic regression.

    Attributes:
        base: of a program of one dialect that the model finds as right as wrong.
        across: more, where programs of both dialects came to the result.
        right: more, for each nat by which the model finds the program right and not wrong; none where that was not
            measured. What a model says of its own answers, as a probability, is the P(True) of arXiv 2207.05221.
    """

    base: float = 0.4
    across: float = 1.1
    right: float = 0.0

    def of(self, *, across: bool, right: float) -> float:
        """The log odds, in nats."""
        return self.base + self.across * across + self.right * right


@dataclass(frozen=True)
class Confidence:
    """How often an answer is taken to be right, by what speaks for it; guesses where nothing was measured.

    Attributes:
        programs: a program came to it.
        enough: a result that is less sure is thought about longer.
        read, whole: it was read in passages, or in all of the text.
        judged: a model was asked about each row or document.
    """

    programs: Odds = Odds()
    enough: float = 0.5
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
    # Programs: fitted, with a ridge, on 39 answers to questions over real files of nine domains, 22 of them right. Left
    # out one by one, the log loss is 0.675, where the share of right ones alone has 0.685: it tells little from one
    # collection to the next, and more between programs for one question. Reading: right were 6 of 13. The questions
    # had been looked at while programs were made, so on other files it will be less.
    #
    # "notes" stood 2.1 to 3.2 nats above "text" for four questions that want all of a document, and from 1.6 below to
    # 1.4 above for ten facts of such documents, of which three were answered by a summary.
    ("qwen2.5-coder-1.5b", "programs-2"): Priors(
        looks={"notes": -1.75}, confidence=Confidence(programs=Odds(base=-1.5, across=0.5, right=3.35), read=0.46)
    ),
}


def share(odds: float) -> float:
    """The probability whose log odds these are."""
    return 1 / (1 + math.exp(-odds))


def priors_of(model: str, prompt_version: str) -> Priors:
    """The priors of a model under a prompt; those of no model in particular where none were measured."""
    return _BY_MODEL.get((model, prompt_version), _DEFAULT)
