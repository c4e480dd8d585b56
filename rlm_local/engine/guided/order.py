"""Words that a sentence has in some order, found in linear time: one expression with gaps would try all of them."""

import re
from collections.abc import Sequence

_END = re.compile(r"[.?!]")


def sentences(text: str) -> list[str]:
    """The text, cut at marks that end a sentence."""
    return _END.split(text)


def after(sentence: str, patterns: Sequence[re.Pattern[str]]) -> int:
    """Where the last of the patterns ends, each found behind the one before; 0 where one is not there."""
    place = 0
    for pattern in patterns:
        match = pattern.search(sentence, place)
        if match is None:
            return 0
        place = match.end()
    return place
