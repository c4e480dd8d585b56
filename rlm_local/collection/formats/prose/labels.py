""" "Label: value" lines, and the headers that stand at the top of a text."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from rlm_local.collection.formats.prose.blocks import Block

_LONGEST_LABEL = 48
_MOST_WORDS = 5
_MARKS = " \t*_>-\u2022+|"
_INNER = frozenset(" '\u2019/()&.#-_")
_LONGEST_VALUE = 2_000
_LONGEST_TITLE = 160
_MOST_FIELDS = 200
_TOP = 12
"""Paragraphs at the top of a text among which its headers stand."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What one line states, and where it begins."""

    label: str
    value: str
    start: int


def label_of(line: str) -> tuple[str, str] | None:
    """Label and value of "Label: value", None for any other line. The value may be empty."""
    bare = line.lstrip(_MARKS)
    rst = bare.startswith(":")  # ":Author: Kim", a field of reStructuredText
    if rst:
        bare = bare[1:]
    colon = bare.find(":", 0, _LONGEST_LABEL)
    if colon < 1:
        colon = bare.find("\N{FULLWIDTH COLON}", 0, _LONGEST_LABEL)
        if colon < 1:
            return None
    label = bare[:colon].rstrip(" *_")
    after = bare[colon + 1 : colon + 2]
    if not label or not label[0].isalpha() or (after and after not in " \t*_" and bare[colon] == ":"):
        return None
    if not all(letter.isalnum() or letter in _INNER for letter in label) or len(label.split()) > _MOST_WORDS:
        return None
    return label, bare[colon + 1 :].strip().lstrip("*_ ").rstrip(" *")


def labelled(text: str, block: Block) -> list[Labelled] | None:
    """The labelled lines of a paragraph that has nothing else but lines that continue them; None for another one."""
    found: list[Labelled] = []
    place = block.start
    while place < block.end:
        stop = text.find("\n", place, block.end)
        stop = block.end if stop < 0 else stop
        line = text[place:stop]
        continues = bool(found) and line[:1] in " \t"
        stated = None if continues else label_of(line)
        if stated:
            found.append(Labelled(stated[0], stated[1], place))
        elif continues and len(found[-1].value) < _LONGEST_VALUE:
            last = found[-1]
            found[-1] = Labelled(last.label, f"{last.value} {line.strip()}".strip(), last.start)
        elif not continues:
            return None
        place = stop + 1
    return found


def headers(text: str, blocks: Iterable[Block]) -> Mapping[str, str]:
    """What the labelled lines at the top of `text` state, by label; what a label states twice is joined by "; ".

    They stand in paragraphs of their own, two lines or more, with no more than titles before them and between them.
    """
    top = list(_top(text, blocks))
    if len(top) < 2:
        return {}
    fields: dict[str, str] = {}
    for line in top:
        before = fields.get(line.label, "")
        if before or len(fields) < _MOST_FIELDS:
            fields[line.label] = (
                f"{before}; {line.value}"[:_LONGEST_VALUE] if before and line.value else before or line.value
            )
    return {label: value for label, value in fields.items() if value}


def _top(text: str, blocks: Iterable[Block]) -> Iterator[Labelled]:
    begun = False
    for block in islice(blocks, _TOP):
        lines = labelled(text, block)
        if lines is None:
            if not _is_title(text[block.start : block.end][: _LONGEST_TITLE + 1], begun):
                return
        elif len(lines) >= 2 or 0 < len(lines[0].value) <= _LONGEST_TITLE:
            begun = True
            yield from lines


def _is_title(paragraph: str, begun: bool) -> bool:
    """Whether a paragraph is short lines; after the first headers also: no sentence, salutation or headline."""
    if len(paragraph) > _LONGEST_TITLE or paragraph.count("\n") > 2:
        return False
    return not begun or (paragraph[-1] not in ".,!?;:" and "\n" not in paragraph)
