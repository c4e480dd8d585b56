"""Whether what is said stands in what it cites: quotes letter by letter, and the numbers and names of a sentence.

Compared by code and in no language: case, spacing, the grouping of digits and the endings of names do not matter. What
a sentence says beside its numbers and names is not looked at.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+(?:[.,'\u2019 \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)?")
_SENTENCE_END = ".!?:;\n"
_EXACT = 3
"""Letters of a name that is compared whole; of a longer one an ending of as many letters may differ."""

_LEAST, _LONG, _NOUNS = 20, 4, 0.3
"""Words of at least four letters by which it is known whether a text writes nouns as names, and the share of these that
then begin with a capital. English prose has 0.05 to 0.2 of them, German 0.4 and more."""


def quoted(quote: str, source: str) -> tuple[int, int] | None:
    """Where a quote stands in its source, from and to: letter by letter, spacing aside. None where it does not."""
    bare, letters = _bare(quote), _bare(source)
    at = letters.find(bare) if bare else -1
    if at < 0:
        return None
    places = [place for place, letter in enumerate(source) if not letter.isspace()]
    return places[at], places[at + len(bare) - 1] + 1


def unsupported(sentence: str, source: str, *, nouns: bool = False) -> tuple[str, ...]:
    """The numbers and names of a sentence that its source does not have, as written.

    Args:
        nouns: whether the sentence's language writes nouns with a capital, see `writes_nouns`: one word with a capital
            is no name then; two in a row are.
    """
    has = _Source.of(source)
    missing = [number for number in _NUMBER.findall(sentence) if _value(number) not in has.numbers]
    missing += [name for name in _names(sentence, nouns=nouns) if not has.holds(name)]
    return tuple(dict.fromkeys(missing))


def writes_nouns(text: str) -> bool:
    """Whether a text writes nouns with a capital, as German does."""
    long = [word for word, first in _words(text) if len(word) >= _LONG and not first]
    return len(long) >= _LEAST and sum(word[0].isupper() for word in long) >= _NOUNS * len(long)


class _Source:
    """The numbers of a text, and its words."""

    def __init__(self, text: str) -> None:
        self.numbers = frozenset(map(_value, _NUMBER.findall(text))) | frozenset(map(_digits, _NUMBER.findall(text)))
        self._words = sorted({word.casefold() for word in _WORD.findall(text)})

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, text: str) -> "_Source":
        return cls(text)

    def holds(self, name: str) -> bool:
        """Whether a word of the text is this name, in one of its forms."""
        word = name.casefold()
        stem = word if len(word) <= _EXACT else word[: max(_EXACT + 1, len(word) - _EXACT)]
        at = bisect_left(self._words, stem)  # the first of those that begin so, if any does
        found = self._words[at] if at < len(self._words) else ""
        return found == stem if len(word) <= _EXACT else found.startswith(stem)


def _names(sentence: str, *, nouns: bool) -> Iterator[str]:
    """Words with a capital that begin no sentence, or have more than one."""
    words = [*_words(sentence), ("", True)]
    for place, (word, first) in enumerate(words[:-1]):
        named = not nouns or any(
            each[:1].isupper() for each, begins in (words[place - 1], words[place + 1]) if not begins
        )
        if sum(letter.isupper() for letter in word) > 1 or (word[0].isupper() and not first and named):
            yield word


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """The words, and whether each begins a sentence."""
    end = 0
    for found in _WORD.finditer(text):
        between = text[end : found.start()]
        yield found[0], end == 0 or any(mark in between for mark in _SENTENCE_END)
        end = found.end()


def _value(number: str) -> str:
    """A number without the marks that group its digits, zeros before it and after its point."""
    whole, mark, part = number, "", ""
    cut = max(number.rfind("."), number.rfind(","))
    if cut >= 0 and len(number) - cut - 1 != 3:
        whole, mark, part = number[:cut], ".", number[cut + 1 :].rstrip("0")
    bare = _digits(whole).lstrip("0") or "0"
    return f"{bare}{mark}{part}" if part else bare


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def _bare(text: str) -> str:
    return "".join(text.split())
