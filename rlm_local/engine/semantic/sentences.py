"""What of an item is judged: its sentences. A small model overlooks the one that matters in a long text."""

import re

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LOWER = re.compile(r"\b[a-zà-ÿ]{2,}")
_SHORTEST = 3  # words in lower case: a heading, an address, a line of codes says nothing
_MOST = 24


def sentences(text: str) -> list[str]:
    """The sentences of a text that say something; all of it where it has one, or too many for a note."""
    told = [part.strip() for part in _SENTENCE_END.split(text) if len(_LOWER.findall(part)) >= _SHORTEST]
    return told if 1 < len(told) <= _MOST else [text]
