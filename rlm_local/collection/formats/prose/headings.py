"""Headings of a text without markup, where they are evident: numbered, underlined, in capitals, "Article IV"."""

import re
from collections.abc import Iterable, Iterator

from rlm_local.collection.formats.prose.blocks import Block
from rlm_local.collection.formats.prose.outline import Heading

_LINES = frozenset("=-~^\"'`*+#_:.<>")
_ROMAN = r"(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})"
_NUMBERED = re.compile(rf"(?:§+ ?)?(\d{{1,3}}(?:\.\d{{1,3}}){{0,5}}|{_ROMAN}(?=[.)]))[.):]{{0,2}}[ \t]+(?=\D)")
_WORDED = re.compile(rf"[^\W\d_]\w{{1,14}}\.? (\d{{1,3}}(?:\.\d{{1,3}}){{0,4}}|{_ROMAN})(?:[.:)\u2013\u2014 -]|$)")
_RUN_IN = re.compile(r"[^.:;,\n]{2,70}[.:](?=\s)")
_PAGES = frozenset(("page", "seite", "página", "pagina", "pág.", "pág", "p."))
_LONGEST = 120
_LONGEST_CAPITALS = 90


def headings(text: str, blocks: Iterable[Block]) -> Iterator[Heading]:
    """The headings of `text`, in order; each begins a paragraph."""
    for block in blocks:
        found = _heading(text, block)
        if found:
            yield found


def _heading(text: str, block: Block) -> Heading | None:
    line = block.first
    if not line:
        return _run_in(text, block)
    found = None if block.alone else _underlined(text, block)
    if not found and (line[0].isdigit() or line[0] in "§IVX"):
        found = _numbered(text, block)
    if found or not line[0].isupper() or line[-1] in ".;,":
        return found
    return _worded(block) or _in_capitals(text, block)


def _worded(block: Block) -> Heading | None:
    """A word and a number stand before a title, in any language: "Article IV. Term", "Kapitel 3"."""
    match = _WORDED.match(block.first) if block.alone and len(block.first) <= _LONGEST else None
    word = block.first.split(maxsplit=1)[0].lower()
    if not match or word in _PAGES or not _titled(block.first[match.end() :].strip()):
        return None
    return Heading(block.start, block.first, word, match[1].count(".") + 1)


def _in_capitals(text: str, block: Block) -> Heading | None:
    """One line to three that are all in capitals."""
    most = _LONGEST_CAPITALS if block.alone else 3 * _LONGEST_CAPITALS
    if block.end - block.start > most or not _capitals(block.first):
        return None
    whole = text[block.start : block.end]
    return Heading(block.start, whole, "capitals") if _capitals(whole) else None


def is_rule(line: str) -> bool:
    """Whether a line is a row of one mark, as stands under a heading or between records."""
    return len(line) >= 3 and line[0] in _LINES and line == line[0] * len(line)


def _underlined(text: str, block: Block) -> Heading | None:
    lines = text[block.start : min(block.end, block.start + 4 * _LONGEST)].split("\n", 3)
    first, second = lines[0].rstrip(), lines[1].strip()
    if is_rule(second) and 2 * len(second) >= len(first.strip()) > 0 and not is_rule(first.strip()):
        return Heading(block.start, first, f"under {second[0]}")
    if is_rule(first.strip()) and len(lines) > 2 and lines[2].strip() == first.strip() and second:
        return Heading(block.start, second, f"over {first.strip()[0]}")
    return None


def _numbered(text: str, block: Block) -> Heading | None:
    line = block.first
    match = _NUMBERED.match(line)
    if not match:
        return None
    title = line[match.end() :]
    if not (title and _titled(title)):
        return None
    if block.alone and len(line) <= _LONGEST and title[-1] not in ".;,:?!" and len(title.split()) <= 14:
        if title[-4:].isdigit() and len(title.split()) <= 3:
            return None  # a date: "12. March 2021"
        return _of_number(block.start, line, match[1])
    return _run_in(text, block)


def _run_in(text: str, block: Block) -> Heading | None:
    """A numbered paragraph that names itself: "4. Confidential Information. The parties ..."."""
    opening = text[block.start : min(block.end, block.start + _LONGEST)].lstrip()
    number = _NUMBERED.match(opening)
    title = _RUN_IN.match(opening, number.end()) if number else None
    if not number or not title:
        return None
    words = [word for word in title[0].split() if len(word) > 3]
    if not all(word[0].isupper() for word in words) or len(title[0].split()) > 9 or not title[0][0].isupper():
        return None
    return _of_number(block.start, opening[: title.end() - 1], number[1])


def _of_number(start: int, title: str, number: str) -> Heading:
    if not number[0].isdigit():
        return Heading(start, title, "roman")
    number = number.removesuffix(".0") + "."
    return Heading(start, title, "number", number.count("."), number)


def _titled(title: str) -> bool:
    """Whether words begin as a heading's do: with a capital, or in a script that has none."""
    return not title or (title[0].isalpha() and not title[0].islower()) or title[0] in "\"'([«„“"


def _capitals(line: str) -> bool:
    if not line.isupper():
        return False
    letters = sum(map(str.isalpha, line))
    return letters >= 4 and 2 * letters >= len(line.replace(" ", ""))
