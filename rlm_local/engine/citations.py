"""Whether what is said stands in what it cites: quotes letter by letter, and the numbers and names of a sentence.

Compared by code and in no language: case, spacing, what is not seen, the shapes of quotation marks, the grouping of
digits and the endings of names do not matter. What a sentence says beside its quotations, numbers and names is not
looked at. Where names cannot be told from other words, a sentence can be put in its source's own words.
"""

import os.path
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile

from rlm_local.collection.words import is_common, segmented

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+(?:[.,'\u2019 \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)?")
_SENTENCE_END = ".!?:;\n"
_SENTENCE = re.compile(r"(?<=\w{3}[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\n[^\S\n]*\n")
_LONGEST = 400
"""Characters of a sentence; a longer one is a table or a list, and is taken by its lines."""

_SHORTENED = re.compile(r"\b([A-Z]\w{0,2})\. ")
"""As in "Dr. Holm", where no sentence ends."""

_EXACT = 3
"""Letters of a name that is compared whole; of a longer one an ending of as many may differ."""

_MOST_ALIKE = 100
"""Words that begin alike and are looked at."""

_GENITIVE, _NOUN_ENDINGS = frozenset("s"), frozenset("eimnrsy")
"""Letters that an ending may be of in Latin script, where Martin and Marta are two: of names, and of other words."""

_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
"""Soft hyphens, and what joins or parts letters without a width."""

_SHAPES = dict.fromkeys(map(ord, "\u2018\u2019\u201a\u02bc"), "'") | dict.fromkeys(
    map(ord, "\u201c\u201d\u201e\u00ab\u00bb"), '"'
)
_QUOTATION = re.compile(r'"([^"\n]+)"|[\u300c\u300e]([^\u300c-\u300f\n]+)[\u300d\u300f]')
"""Once quotation marks have one shape; those of Chinese and Japanese have their own."""

_LEFT_OUT = re.compile(r"\[?(?:\.\.\.|\u2026)\]?")
_AROUND = " .,;:!?\u2026\u3002\uff0c\uff1f\uff01"
"""Marks that may stand within quotation marks and belong to the sentence around."""

_LEAST, _LONG, _NOUNS = 20, 4, 0.3
"""Words of at least four letters by which it is known whether a text writes nouns as names, and the share of these that
then begin with a capital. English prose has 0.05 to 0.2 of them, German 0.4 and more."""


def quoted(quote: str, source: str) -> tuple[int, int] | None:
    """Where a quote stands in its source, from and to: letter by letter, spacing aside. None where it does not."""
    bare, letters = _bare(quote), _bare(source)
    at = letters.find(bare) if bare else -1
    if at < 0:
        return None
    places = [place for place, letter in enumerate(source) if not letter.isspace() and ord(letter) not in _UNSEEN]
    return places[at], places[at + len(bare) - 1] + 1


def unsupported(sentence: str, source: str, *, nouns: bool = False) -> tuple[str, ...]:
    """The quotations, numbers and names of a sentence that its source does not have.

    Args:
        nouns: whether the sentence's language writes nouns with a capital, see `writes_nouns`: one word with a capital
            is no name then; two in a row are.
    """
    has, sentence = _Source.of(source), sentence.translate(_UNSEEN)
    missing = [quotation for quotation in _quotations(sentence) if _bare(quotation) not in has.letters]
    missing += [number for number in _NUMBER.findall(sentence) if _value(number) not in has.numbers]
    missing += [name for name in _names(segmented(sentence), nouns=nouns) if not has.holds(name, nouns=nouns)]
    return tuple(dict.fromkeys(missing))


def in_own_words(sentence: str, source: str) -> str | None:
    """The sentence, where its source has every word that may be a name; else the nearest sentence of the source, which
    shares half of the words at least. None where there is none.

    A word may be a name where it begins with a capital, be it a German noun or the first of a sentence; in a script
    without capitals any may be.
    """
    has, words = _Source.of(source), _telling(sentence)
    unsure = (word for word in words if word[0].isupper() or not _cased(word))
    if all(has.holds(word, nouns=True) for word in unsure):
        return sentence
    nearest = max(_sentences(source), key=lambda told: in_common(sentence, told))
    return nearest if 2 * in_common(sentence, nearest) >= len(words) else None


def in_common(sentence: str, source: str) -> int:
    """How many words of a sentence that tell something its source has."""
    has = _Source(source)
    return sum(has.holds(word, nouns=True) for word in _telling(sentence))


def may_be_translated(sentence: str, source: str) -> bool:
    """Whether a sentence may be of another language than its source: where they share less than half of its words, and
    none in a script without capitals."""
    words = _telling(sentence)
    uncased = " ".join(word for word in words if not _cased(word))
    return 2 * in_common(sentence, source) < len(words) and not in_common(uncased, source)


def writes_nouns(text: str) -> bool:
    """Whether a text writes nouns with a capital, as German does."""
    long = [word for word, first in _words(text) if len(word) >= _LONG and not first]
    return len(long) >= _LEAST and sum(word[0].isupper() for word in long) >= _NOUNS * len(long)


class _Source:
    """The letters of a text, its numbers, and its words."""

    def __init__(self, text: str) -> None:
        text = text.translate(_UNSEEN)
        self.letters = _bare(text)
        self.numbers = frozenset(map(_value, _NUMBER.findall(text)))
        self._words = frozenset(word.casefold() for word in _WORD.findall(segmented(text)))
        self._ordered = sorted(self._words)

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, text: str) -> "_Source":
        return cls(text)

    def holds(self, name: str, *, nouns: bool) -> bool:
        """Whether a word of the text is this name, in one of its forms."""
        word = name.casefold()
        if word in self._words or len(word) <= _EXACT:
            return word in self._words
        stem = word[: max(_EXACT + 1, len(word) - _EXACT)]
        at = bisect_left(self._ordered, stem)
        alike = takewhile(lambda other: other.startswith(stem), self._ordered[at : at + _MOST_ALIKE])
        return any(_inflected(word, other, nouns=nouns) for other in alike)


def _inflected(one: str, other: str, *, nouns: bool) -> bool:
    """Whether two words that begin alike are forms of one."""
    same = len(os.path.commonprefix((one, other)))  # noqa: RUF071 - by character is what is wanted
    rests = one[same:], other[same:]
    if max(map(len, rests)) > _EXACT or not _cased(one):
        return False
    if not _latin(one):
        return True
    ending = "".join(rests)
    return set(ending) <= _NOUN_ENDINGS if nouns else ending in _GENITIVE


def _latin(word: str) -> bool:
    return word[0] < "\u0370" or "\u1e00" <= word[0] <= "\u1eff"


def _cased(word: str) -> bool:
    """Whether a word has a letter with a case, or is a number."""
    return word.lower() != word.upper() or word.isdigit()


def _sentences(text: str) -> Iterator[str]:
    """The sentences of a text; of what is too long for one, the lines."""
    for found in _SENTENCE.split(text):
        told = found.strip()
        yield from told.split("\n") if len(told) > _LONGEST else [told]


def _quotations(sentence: str) -> Iterator[str]:
    """What a sentence has in quotation marks, by pieces where it leaves something out."""
    for found in _QUOTATION.finditer(sentence.translate(_SHAPES)):
        pieces = (piece.strip(_AROUND) for piece in _LEFT_OUT.split(found[1] or found[2]))
        yield from (piece for piece in pieces if piece)


def _names(sentence: str, *, nouns: bool) -> Iterator[str]:
    """Words with a capital that begin no sentence, or have more than one."""
    words = [*_words(_SHORTENED.sub(r"\1 ", sentence)), ("", True)]
    for place, (word, first) in enumerate(words[:-1]):
        named = not nouns or any(
            each[:1].isupper() for each, begins in (words[place - 1], words[place + 1]) if not begins
        )
        begun = first or is_common(word.casefold())
        if sum(letter.isupper() for letter in word) > 1 or (word[0].isupper() and not begun and named):
            yield word


def _telling(sentence: str) -> list[str]:
    """The words of a sentence but those that tell nothing."""
    words = _WORD.findall(segmented(sentence.translate(_UNSEEN)))
    return [word for word in words if not is_common(word.casefold())]


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
    bare = "".join(filter(str.isdigit, whole)).lstrip("0") or "0"
    return f"{bare}{mark}{part}" if part else bare


def _bare(text: str) -> str:
    """The letters of a text, each in one shape."""
    return "".join(text.translate(_UNSEEN).translate(_SHAPES).split())
