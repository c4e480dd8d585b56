"""Checks statements against what they cite: quotations letter by letter, and the numbers and names of a sentence.

Code compares them, whatever the language. Case, spacing, invisible characters, the shapes of quotation marks, the
grouping of digits and the endings of names do not matter. Nothing else in a sentence is checked. Where names cannot be
told from other words, a sentence can be replaced by the nearest one of its source.
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
"""The most characters of a sentence; what is longer is a table or a list, and is split into lines."""

_SHORTENED = re.compile(r"\b([A-Z]\w{0,2})\. ")
"""An abbreviation, as in "Dr. Holm", after which no sentence ends."""

_EXACT = 3
"""A name of up to this many letters is compared whole; of a longer one, an ending of as many letters may differ."""

_MOST_ALIKE = 100
"""How many words that begin alike are tried."""

_GENITIVE, _NOUN_ENDINGS = frozenset("s"), frozenset("eimnrsy")
"""The letters of endings in Latin script, so that Martin and Marta stay two: of names, and of other words."""

_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
"""Soft hyphens, and characters without width that join or separate letters."""

_SHAPES = dict.fromkeys(map(ord, "\u2018\u2019\u201a\u02bc"), "'") | dict.fromkeys(
    map(ord, "\u201c\u201d\u201e\u00ab\u00bb"), '"'
)
_QUOTATION = re.compile(r'"([^"\n]+)"|[\u300c\u300e]([^\u300c-\u300f\n]+)[\u300d\u300f]')
"""A quotation, once quotation marks have one shape; those of Chinese and Japanese keep their own."""

_LEFT_OUT = re.compile(r"\[?(?:\.\.\.|\u2026)\]?")
_AROUND = " .,;:!?\u2026\u3002\uff0c\uff1f\uff01"
"""Marks that may stand inside quotation marks but belong to the sentence around them."""

_LEAST, _LONG, _NOUNS = 20, 4, 0.3
"""How many words of at least four letters are needed to tell whether a text capitalizes nouns, and which share of them
then begins with a capital. In English prose this share is 0.05 to 0.2, in German 0.4 and more."""


def quoted(quote: str, source: str) -> tuple[int, int] | None:
    """The span of a quote in its source, letter by letter except for spacing; None if it does not stand there."""
    bare, letters = _bare(quote), _bare(source)
    at = letters.find(bare) if bare else -1
    if at < 0:
        return None
    places = [place for place, letter in enumerate(source) if not letter.isspace() and ord(letter) not in _UNSEEN]
    return places[at], places[at + len(bare) - 1] + 1


def unsupported(sentence: str, source: str, *, nouns: bool = False) -> tuple[str, ...]:
    """The quotations, numbers and names of a sentence that its source does not have.

    Args:
        nouns: whether the sentence's language capitalizes nouns (see `writes_nouns`). Then one word with a capital is
            not a name, but two in a row are.
    """
    has, sentence = _Source.of(source), sentence.translate(_UNSEEN)
    missing = [quotation for quotation in _quotations(sentence) if _bare(quotation) not in has.letters]
    missing += [number for number in _NUMBER.findall(sentence) if _value(number) not in has.numbers]
    missing += [name for name in _names(segmented(sentence), nouns=nouns) if not has.holds(name, nouns=nouns)]
    return tuple(dict.fromkeys(missing))


def in_own_words(sentence: str, source: str) -> str | None:
    """The sentence, if its source has every word that may be a name; else the nearest sentence of the source that
    shares at least half of the words, or None.

    A word may be a name if it begins with a capital, even a German noun or the first word of a sentence; in a script
    without capitals, any word may be.
    """
    has, words = _Source.of(source), _telling(sentence)
    unsure = (word for word in words if word[0].isupper() or not _cased(word))
    if all(has.holds(word, nouns=True) for word in unsure):
        return sentence
    nearest = max(_sentences(source), key=lambda told: in_common(sentence, told))
    return nearest if 2 * in_common(sentence, nearest) >= len(words) else None


def in_common(sentence: str, source: str) -> int:
    """How many telling words of a sentence its source has."""
    has = _Source(source)
    return sum(has.holds(word, nouns=True) for word in _telling(sentence))


def may_be_translated(sentence: str, source: str) -> bool:
    """Whether a sentence may be in another language than its source: they share less than half of its words, and none
    of those in a script without capitals."""
    words = _telling(sentence)
    uncased = " ".join(word for word in words if not _cased(word))
    return 2 * in_common(sentence, source) < len(words) and not in_common(uncased, source)


def writes_nouns(text: str) -> bool:
    """Whether a text capitalizes nouns, as German does."""
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
        """Whether the text has this name, in one of its forms."""
        word = name.casefold()
        if word in self._words or len(word) <= _EXACT:
            return word in self._words
        stem = word[: max(_EXACT + 1, len(word) - _EXACT)]
        at = bisect_left(self._ordered, stem)
        alike = takewhile(lambda other: other.startswith(stem), self._ordered[at : at + _MOST_ALIKE])
        return any(_inflected(word, other, nouns=nouns) for other in alike)


def _inflected(one: str, other: str, *, nouns: bool) -> bool:
    """Whether two words that begin alike are forms of the same word."""
    same = len(os.path.commonprefix((one, other)))  # noqa: RUF071 - character by character is right here
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
    """Whether a word has a letter with case, or is a number."""
    return word.lower() != word.upper() or word.isdigit()


def _sentences(text: str) -> Iterator[str]:
    """The sentences of a text; if one is too long, its lines."""
    for found in _SENTENCE.split(text):
        told = found.strip()
        yield from told.split("\n") if len(told) > _LONGEST else [told]


def _quotations(sentence: str) -> Iterator[str]:
    """What a sentence has in quotation marks, in pieces if it leaves something out."""
    for found in _QUOTATION.finditer(sentence.translate(_SHAPES)):
        pieces = (piece.strip(_AROUND) for piece in _LEFT_OUT.split(found[1] or found[2]))
        yield from (piece for piece in pieces if piece)


def _names(sentence: str, *, nouns: bool) -> Iterator[str]:
    """Words with a capital that do not begin a sentence, or with several capitals."""
    words = [*_words(_SHORTENED.sub(r"\1 ", sentence)), ("", True)]
    for place, (word, first) in enumerate(words[:-1]):
        named = not nouns or any(
            each[:1].isupper() for each, begins in (words[place - 1], words[place + 1]) if not begins
        )
        begun = first or is_common(word.casefold())
        if sum(letter.isupper() for letter in word) > 1 or (word[0].isupper() and not begun and named):
            yield word


def _telling(sentence: str) -> list[str]:
    """The words of a sentence, without those that tell nothing."""
    words = _WORD.findall(segmented(sentence.translate(_UNSEEN)))
    return [word for word in words if not is_common(word.casefold())]


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """The words of a text, each with whether it begins a sentence."""
    end = 0
    for found in _WORD.finditer(text):
        between = text[end : found.start()]
        yield found[0], end == 0 or any(mark in between for mark in _SENTENCE_END)
        end = found.end()


def _value(number: str) -> str:
    """A number without grouping marks, leading zeros, and trailing zeros after the point."""
    whole, mark, part = number, "", ""
    cut = max(number.rfind("."), number.rfind(","))
    if cut >= 0 and len(number) - cut - 1 != 3:
        whole, mark, part = number[:cut], ".", number[cut + 1 :].rstrip("0")
    bare = "".join(filter(str.isdigit, whole)).lstrip("0") or "0"
    return f"{bare}{mark}{part}" if part else bare


def _bare(text: str) -> str:
    """The letters of a text, each in a standard shape."""
    return "".join(text.translate(_UNSEEN).translate(_SHAPES).split())
