"""A passage as the model is shown it; checks whether what the model says stands there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rlm_local.collection.words import is_common
from rlm_local.engine.citations import in_own_words, quoted, unsupported, writes_nouns

_WORD = re.compile(r"\w{3,}|\d+")
_END = re.compile(r"[.!?:;]+\s+|\n")
_LONG_LINE = 300
"""Characters of a line; of a longer one, only the sentences with the quote are cited."""


@dataclass(frozen=True)
class Shown:
    """A passage: where its text begins in the context, the text, and what the model is shown, headings included."""

    start: int
    text: str
    told: str

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.start + len(self.text)

    def quote(self, said: str) -> tuple[int, int] | None:
        """The span of the lines (of long lines, the sentences) that hold a quote; None if it does not stand here.

        A quote has to stand here letter by letter, except for spacing and case, and in whole words.
        """
        text, bare = self.text, said.strip()
        found = quoted(bare, text) or (quoted(bare.lower(), text.lower()) if len(text.lower()) == len(text) else None)
        if found is None or _within_word(text, *found):
            return None
        left, right = text.rfind("\n", 0, found[0]) + 1, text.find("\n", found[1])
        right = len(text) if right < 0 else right
        if right - left > _LONG_LINE:
            stop = text.find(". ", found[1] - 1, right)
            left = max(left, text.rfind(". ", left, found[0]) + 2) if text.rfind(". ", left, found[0]) >= 0 else left
            right = right if stop < 0 else stop + 1
        return self.start + left, self.start + right

    def supports(self, said: str, *, nouns: bool) -> bool:
        """Whether the numbers and names of a statement stand here, and at least half of its words."""
        words = _WORD.findall(said.lower())
        told = self.told.lower()
        return (
            bool(words)
            and 2 * sum(word in told for word in words) >= len(words)
            and not unsupported(_in_one(said), self.told, nouns=nouns)
        )

    def worded(self, said: str) -> str | None:
        """The statement, or the nearest sentence of the passage; see `in_own_words`."""
        return said if in_own_words(said, self.told) == said else in_own_words(said, self.text)


@dataclass(frozen=True)
class Held:
    """A statement, in the passage's own words if need be, the number of the passage that holds it, and the span of the
    context that does."""

    said: str
    place: int
    span: tuple[int, int]


def cited(said: str, shown: Sequence[Shown], named: int) -> Held | None:
    """The passage that holds a statement, and where; None if none does.

    Args:
        named: the passage that the model named, which is tried before the others.
    """
    nouns = writes_nouns("\n".join(one.told for one in shown))
    order = [named, *(place for place in range(len(shown)) if place != named)]
    for place in order:
        one = shown[place]
        if (quote := one.quote(said)) is not None:
            return Held(said, place, quote)
        if one.supports(said, nouns=nouns) and (told := one.worded(said)):
            return Held(told, place, one.quote(told) or one.span)
    return None


def _in_one(said: str) -> str:
    """A statement as if no sentence began in it, because there a capital does not tell names from common words."""
    words = _END.sub(" ", said).split()
    return " ".join(["it", *(word.lower() if word.istitle() and is_common(word.lower()) else word for word in words)])


def _within_word(text: str, start: int, end: int) -> bool:
    """Whether a span begins or ends inside a word or number."""
    begins = text[max(0, start - 1) : start + 1]
    ends = text[end - 1 : end + 1]
    return (len(begins) == 2 and begins.isalnum()) or (len(ends) == 2 and ends.isalnum())
