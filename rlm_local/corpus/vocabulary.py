"""A field's values as a question may name them: in other case, number or tense, hyphenated or not, in part."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from rlm_sandbox.guest.rlm.words import stem

LONGEST = 8
"""Words of a value that can be named as a whole."""

_WORD = re.compile(r"[^\W_]+")
_MOST_SHARING = 6  # values that may share a word before it names none of them
STOP_WORDS = frozenset(
    "a about after all also am an and any are as at be because been before being between both but by can could "
    "did do does doing during each every few for from get give had has have he her here him his how i if in "
    "into is it its least less list many may me more most much my name no none not number of off on once one "
    "only or other our out over own per same she show since so some such tell than that the their them then "
    "there these they this those to total under until up us was we were what when where which while who whose "
    "why will with without would yes you your".split()
)


@dataclass(frozen=True)
class Word:
    """A word of a text: as written, its stem, and where it stands (characters)."""

    written: str
    stem: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text: runs of letters and digits."""
    return [Word(match[0], stem(match[0]), match.start(), match.end()) for match in _WORD.finditer(text)]


def key(stems: Iterable[str]) -> str:
    """What a value is looked up by: its stems without what stands between them."""
    return "".join(stems)


@dataclass
class Vocabulary:
    """Lookup of values by their words. Built once per field; a question's words are looked up in it."""

    whole: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    parts: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))

    @classmethod
    def of(cls, values: Iterable[str]) -> "Vocabulary":
        """The vocabulary of these values; those of more than `LONGEST` words cannot be named."""
        vocabulary = cls()
        for value in values:
            stems = [stem(word) for word in _WORD.findall(value[:120])]
            if not stems or len(stems) > LONGEST or len(value) > 120:
                continue
            vocabulary.whole.setdefault(key(stems), []).append(value)
            for part in set(stems) if len(stems) > 1 else ():
                sharing = vocabulary.parts[part]
                if len(part) >= 3 and len(sharing) <= _MOST_SHARING:
                    sharing.append(value)
        return vocabulary

    def sharing(self, part: str) -> list[str]:
        """The values of several words that have this stem; more than a few are cut: see `is_common`."""
        return self.parts.get(part, [])

    def is_common(self, part: str) -> bool:
        """Whether so many values share this stem that it tells them apart no more."""
        return len(self.parts.get(part, ())) > _MOST_SHARING
