"""The sentences of an item, to be judged one by one: in a long text, a small model overlooks what matters."""

import re

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LOWER = re.compile(r"\b[a-zà-ÿ]{2,}")
_SHORTEST = 3  # words in lower case: headings, addresses and lines of codes say nothing
_MOST = 24


def sentences(text: str) -> list[str]:
    """The sentences of a text that say something; the whole text if it has only one, or too many for a note."""
    told = [part.strip() for part in _SENTENCE_END.split(text) if len(_LOWER.findall(part)) >= _SHORTEST]
    return told if 1 < len(told) <= _MOST else [text]
