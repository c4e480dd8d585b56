"""From what a model says of single sentences to which items are a yes."""

import re
from collections.abc import Sequence

import numpy as np

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LOWER = re.compile(r"\b[a-zà-ÿ]{2,}")
_SHORTEST = 3  # words in lower case: a heading, an address, a line of codes says nothing
_MOST = 24
_ENOUGH = 20
_APART = 2.75
"""Standard deviations above what the model says of sentences that speak of something else. Set by eye, on 16 notes with
known answers (Qwen 1.5B), where the sentences of the 11 that are a no reach it twice."""


def sentences(text: str) -> list[str]:
    """What of a text is judged: its sentences; all of it where it has one, or too many for a note."""
    told = [part.strip() for part in _SENTENCE_END.split(text) if len(_LOWER.findall(part)) >= _SHORTEST]
    return told if 1 < len(told) <= _MOST else [text]


def verdicts(margins: Sequence[Sequence[float]]) -> list[float]:
    """How far each item is on the side of yes (above 0) or no, in nats, by the log-odds of yes of its sentences.

    An item is as much of a yes as its best sentence. The cut lies half-way between even odds, and where sentences stand
    out from the batch: most of them speak of something else, and a small model's lean shows in what it says of those.
    """
    cut = 0.0
    every = [margin for each in margins for margin in each]
    if len(every) >= _ENOUGH:
        low, middle = np.quantile(every, (0.1, 0.35))  # of the lower half: the yeses are above
        spread = float(middle - low) / 0.9
        cut = 0.5 * (float(middle) + (0.385 + _APART) * spread)
    return [max(each) - cut for each in margins]
