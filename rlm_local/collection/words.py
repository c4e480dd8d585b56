"""Words in the form in which the index has them, for texts and for searches."""

import itertools
import re
from collections.abc import Iterable, Iterator

_UNSPACED = (
    "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts without spaces between words, and Korean, whose words have endings: Thai to Khmer, Han, kana, hangul."""

_KANA = (re.compile("[\u3041-\u309f]+"), re.compile("[\u30a0-\u30ff]+"))
_RUN = re.compile(f"[{_UNSPACED}]+")
_WORD = re.compile(r"[^\W_]+")
_COMMON = frozenset(
    "a about after all also am an and any are as at be because been before being between both but by can could "
    "did do does doing during each every few for from get give had has have he her here him his how i if in into "
    "is it its me more most much my no none not of off on once one only or other our out over own per same she "
    "show since so some such tell than that the their them then there these they this those to under until up us "
    "was we were what when where which while who whose why will with without would yes you your".split()
)
_MOST = 64
"""The most words of a search; more tell nothing."""

_STEM = 3
"""The fewest letters of a word for which longer words that begin with it are searched, too. Of 109 questions over seven
collections of prose (contracts, laws, manuals, minutes), the passage with the answer is among the first eight for 100;
without this, for 96."""


def segmented(text: str) -> str:
    """The text, with overlapping pairs of characters for scripts without spaces, so that parts of a run are found."""
    return text if text.isascii() else _RUN.sub(_pairs, text)


def unspaced(text: str) -> Iterator[re.Match[str]]:
    """The runs of scripts without spaces."""
    return _RUN.finditer(text)


def breaks(run: re.Match[str]) -> list[int]:
    """The places in its text where a word of a run may begin or end: not between two hiragana, which are endings and
    small words, nor between two katakana, which are one foreign word."""
    inside = zip(itertools.count(run.start() + 1), itertools.pairwise(run[0]))
    within = [place for place, pair in inside if not any(kana.fullmatch("".join(pair)) for kana in _KANA)]
    return [run.start(), *within, run.end()]


def _pairs(run: re.Match[str]) -> str:
    written = run[0]
    if len(written) == 1:
        return f" {written} "
    return f" {' '.join(map(''.join, itertools.pairwise(written)))} "


def topic(title: str, base: str) -> str:
    """The text by which all passages of a document are found: its title and its name, as the index has them."""
    return segmented(f"{title} {base}" if title else base)


def phrases(words: str | Iterable[str]) -> list[str]:
    """FTS5 phrases for any of the words; for common words only if there are no others.

    Longer words that begin with a word are found as well, but count less: forms and compounds, in languages for which
    the index has no stems, and names written as one word.
    """
    text = words if isinstance(words, str) else " ".join(words)
    found = list(dict.fromkeys(word.lower() for word in _WORD.findall(segmented(text))))
    telling = [word for word in found if word not in _COMMON] or found
    return [phrase for word in telling[:_MOST] for phrase in _phrases(word)]


def is_common(word: str) -> bool:
    """Whether a word, in lower case, tells nothing in English."""
    return word in _COMMON


def _phrases(word: str) -> tuple[str, ...]:
    if _RUN.match(word):
        return (f'"{word}"*',) if len(word) == 1 else (f'"{word}"',)
    return (f'"{word}"', f'"{word}"*') if len(word) >= _STEM else (f'"{word}"',)
