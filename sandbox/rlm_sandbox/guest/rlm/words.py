"""The words of questions and passages: their stems, and which of them name one thing."""

import re
from collections.abc import Iterator
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:[-_./@:][^\W_]+)*")
_DATE_LIKE = re.compile(r"\d{1,4}([-./:]\d{1,4}){0,3}|\d+(st|nd|rd|th|h|min|kg|%)?")
_KEY = re.compile(
    r"\b([A-ZÀ-Þ][a-zà-ÿ]+(?: [A-ZÀ-Þ][a-zà-ÿ]+)+)\b"
    r"|\b[^\W_]*\d[^\W_]*(?:[-_./@:][^\W_]+)*"
    r"|\b[^\W\d_]+(?:[-_./@:][^\W_]+)+"
    r"|\b[A-Z]{3,}\b"
)
_TITLE = re.compile(r"^(?:(?:Dr|Mr|Mrs|Ms|Prof|Dear|The|In|At|On|From|To|For|New|With|And|But|An?) )+")
_CALENDAR = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday spring summer autumn winter christmas easter doctor""".split()
)
_STOP = frozenset(
    """a about after all also am an and any are as at be been before being between both but by can could did do does
    doing each every few for from get give given had has have having he her here him his how i if in into is it its
    itself many me more most much my no nor not of off on once one only or other our out over own please same say
    says she should so some such tell than that the their them then there these they this those to too under until
    up use used very was we were what when where which while who whom whose why will with would you your""".split()
)
_IRREGULAR = {
    "paid": "pay",
    "unpaid": "unpay",
    "sent": "send",
    "sold": "sell",
    "bought": "buy",
    "lost": "lose",
    "people": "person",
}
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "ly", "s")
_VOWEL = re.compile("[aeiouyà-ÿ]")


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """What a word's forms have in common: "failed" and "FAIL", "shows" and "show", "cancelled" and "cancellation"."""
    word = word.lower()
    word = _IRREGULAR.get(word, word)
    if len(word) < 4 or any(character.isdigit() for character in word):
        return word
    for ending in _ENDINGS:
        root = word.removesuffix(ending)
        if root != word and len(root) >= 3 and _VOWEL.search(root) and not word.endswith("ss"):
            word = root + ("y" if ending in ("ies", "ied") else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouy":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] == "e" else word


def beginning(word: str) -> str:
    """The letters that a word's forms begin with in a text: of "parties", "part"; an irregular word is its own."""
    word = word.lower()
    root = stem(word)
    root = root[:-1] if len(root) > 3 and root[-1] == "y" else root
    return root if word.startswith(root) else word


def query_stems(query: str) -> dict[str, float]:
    """The words of a query worth looking for, each with a weight: names and numbers count more."""
    stems: dict[str, float] = {}
    for match in _WORD.finditer(query):
        word = match.group()
        parts = [word, *re.split(r"[-_./@:]", word)] if re.search(r"[-_./@:]", word) else [word]
        for part in parts:
            if part.lower() in _STOP or len(part) < 2:
                continue
            proper = any(c.isdigit() for c in part) or (part[0].isupper() and match.start() > 0)
            stems.setdefault(beginning(part), (1.6 if proper else 1.0) * (1.0 if part is word else 0.4))
    return stems


def proper(question: str) -> Iterator[str]:
    """The words of a question that name one thing: codes of letters and digits, and capitalised words inside it."""
    for match in _WORD.finditer(question):
        word = match.group()
        digits, letters = any(c.isdigit() for c in word), any(c.isalpha() for c in word)
        code = (
            digits
            and (letters or "/" in word or "-" in word)
            and len(word) >= 4
            and not _DATE_LIKE.fullmatch(word.lower())
        )
        name = (
            word[0].isupper()
            and word.isalpha()
            and len(word) >= 4
            and question[: match.start()].rstrip()[-1:] not in ("", ".", "?", "!", ":")
        )
        if code or (name and word.lower() not in _CALENDAR):
            yield word


def keys(text: str) -> Iterator[tuple[str, str]]:
    """What can name one thing, with the sentence it stands in, in lower case.

    That is a word with a digit, a word in capitals, or two capitalised words in a row without title or little word.
    """
    seen: set[str] = set()
    for sentence in re.split(r"(?<=[.!?])\s+|\n", text):
        for match in _KEY.finditer(sentence):
            key = _TITLE.sub("", match.group()).lower()
            if len(key) >= 3 and key not in seen and not _DATE_LIKE.fullmatch(key) and (match[1] is None or " " in key):
                seen.add(key)
                yield key, sentence.lower()
