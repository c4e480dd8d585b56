"""The paragraphs of a text, by its blank lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_FIRST = 200
"""Characters of a paragraph's first line that are looked at."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines without a blank line between them: characters `start` to `end` of the text.

    Attributes:
        first: its first line, without outer spaces; empty where that is longer than any heading or label.
        alone: whether it has no other line.
    """

    start: int
    end: int
    first: str
    alone: bool


def blocks(text: str) -> Iterator[Block]:
    """Every paragraph, in order."""
    start = 0
    for gap in _BLANK.finditer(text):
        if gap.start() > start:
            yield _block(text, start, gap.start())
        start = gap.end()
    if start < len(text) and not text[start:].isspace():
        yield _block(text, start, len(text.rstrip("\n")))


def _block(text: str, start: int, end: int) -> Block:
    stop = text.find("\n", start, min(end, start + _FIRST))
    alone = stop < 0 and (end - start <= _FIRST or text.find("\n", start, end) < 0)
    if stop < 0:
        stop = end if end - start <= _FIRST else start
    return Block(start, end, text[start:stop].strip(), alone)
