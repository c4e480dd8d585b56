"""Plain text: paragraphs, records between separators or from a label to its next, or statements by line."""

import re
from collections import Counter
from collections.abc import Sequence

from rlm_local.corpus.labels import labelled, pieces
from rlm_local.corpus.table import Reading, Table

_SEPARATOR = re.compile(r"^[ \t]*(?:[-=*_#~+]{3,}|(?:[*-] ){2,}[*-])[ \t]*$", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_SPEAKER = re.compile(
    r"(?P<speaker>[A-Z][\w'\u2019.-]*(?: [A-Z][\w'\u2019.-]*){0,3})(?: \[?\(?(?P<time>\d{1,2}:\d{2}(?::\d{2})?)\)?\]?)?"
    r": +\S"
)
_FIRST_LABEL = re.compile(r"[ \t]*(?:\*\*)?([^\W\d_][\w ]{0,30}?)(?:\*\*)?[ \t]*[:#]")

Extent = tuple[int, int]


def read(text: str, name: str) -> Reading:
    """Items of a text without markup."""
    reading = Reading("text")
    lines = _lines(text)
    by_line = _line_table(text, name, lines)
    if by_line is not None:
        reading.tables.append(by_line)
        return reading
    table = Table(name, "paragraphs", "paragraphs")
    for start, end in _blocks(text):
        table.add(start, end, labelled(text[start:end]))
    if len(table):
        reading.tables.append(table)
    return reading


def trimmed(text: str, start: int, end: int) -> Extent:
    """The extent without white space at its ends; empty (start == end) if there is nothing else."""
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _lines(text: str) -> list[Extent]:
    lines: list[Extent] = []
    place = 0
    while place < len(text):
        newline = text.find("\n", place)
        stop = len(text) if newline < 0 else newline
        start, end = trimmed(text, place, stop)
        if end > start:
            lines.append((start, end))
        place = stop + 1
    return lines


def _line_table(text: str, name: str, lines: Sequence[Extent]) -> Table | None:
    """A table with an item per line, if the text is that: labelled pieces, turns of a talk, plain lines."""
    if len(lines) < 3:
        return None
    sample = [text[start:end] for start, end in lines[:200]]
    table = Table(name, "lines")
    if sum(bool(pieces(line)) for line in sample) >= 0.8 * len(sample):
        for start, end in lines:
            table.add(start, end, pieces(text[start:end]))
        return table
    speakers = Counter(match["speaker"] for line in sample if (match := _SPEAKER.match(line)))
    if speakers.total() >= 0.7 * len(sample) and len(speakers) <= 0.5 * speakers.total():
        for start, end in lines:
            match = _SPEAKER.match(text[start:end])
            table.add(start, end, {key: value for key, value in match.groupdict().items() if value} if match else {})
        return table
    blank = len(_BLANK.findall(text))
    labels = Counter(label for line in sample for label in labelled(line))
    wrapped = sum(len(line) >= 50 and line[-1] not in ".!?:;\"'\u201d)|" for line in sample) >= 0.4 * len(sample)
    if (
        blank <= 0.05 * len(lines)
        and not wrapped
        and max(labels.values(), default=0) < 0.1 * len(sample)
        and not labels.total() > 0.5 * len(sample)
    ):
        for start, end in lines:
            table.add(start, end, {})
        return table
    return None


def _blocks(text: str) -> list[Extent]:
    """The text's records or paragraphs, in order."""
    marks = list(_SEPARATOR.finditer(text))
    if len(marks) >= 2:
        return _between(text, [(mark.start(), mark.end()) for mark in marks])
    paragraphs = _between(text, [(gap.start(), gap.end()) for gap in _BLANK.finditer(text)])
    openings = [
        match[1].strip().lower() if (match := _FIRST_LABEL.match(text, start)) else "" for start, _ in paragraphs
    ]
    label, count = Counter(opening for opening in openings if opening).most_common(1)[0] if any(openings) else ("", 0)
    if count >= 3 and openings[0] == label and count < len(paragraphs):
        firsts = [place for place, opening in enumerate(openings) if opening == label]
        return [
            (paragraphs[a][0], paragraphs[b - 1][1])
            for a, b in zip(firsts, [*firsts[1:], len(paragraphs)], strict=True)
        ]
    if len(paragraphs) == 1:
        return _by_repeated_label(text, paragraphs[0])
    return paragraphs


def _between(text: str, gaps: list[Extent]) -> list[Extent]:
    edges = [0, *(place for gap in gaps for place in gap), len(text)]
    extents = (trimmed(text, start, end) for start, end in zip(edges[::2], edges[1::2], strict=True))
    return [(start, end) for start, end in extents if end > start]


def _by_repeated_label(text: str, block: Extent) -> list[Extent]:
    """One block of labelled lines without gaps: a record begins wherever its first label comes again."""
    first = _FIRST_LABEL.match(text, block[0])
    if not first:
        return [block]
    again = re.compile(rf"^[ \t]*(?:\*\*)?{re.escape(first[1])}(?:\*\*)?[ \t]*[:#]", re.MULTILINE)
    starts = [match.start() for match in again.finditer(text, *block)]
    if len(starts) < 3:
        return [block]
    return [trimmed(text, a, b) for a, b in zip(starts, [*starts[1:], block[1]], strict=True)]
