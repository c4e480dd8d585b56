"""A talk written down: subtitles, and turns of "Name: text", where the whole text has that form."""

import re
from collections import Counter
from collections.abc import Iterator

from rlm_local.collection.formats.part import MOST_ROWS, Cell, Rows
from rlm_local.collection.formats.prose.blocks import Block

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?(?: ?[AaPp]\.?[Mm]\.?)?"
_DAY = r"(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4},?[ T])?"
_TURN = re.compile(
    rf"[ \t]{{0,8}}(?:[\[(]?(?P<time>{_DAY}{_CLOCK})[\])]?[ \t]{{0,4}}[-\u2013]?[ \t]{{0,4}})?"
    r"(?:<(?P<nick>[^<>\n]{1,40})>|(?:\*\*)?(?P<name>[^\W\d_][\w'\u2019.-]{0,30}(?: [\w'\u2019.()-]{1,30}){0,4})"
    rf"(?:[ \t]{{0,4}}[\[(](?P<after>{_CLOCK})[\])])?(?:\*\*)?:(?:\*\*)?)(?:[ \t]{{1,8}}|$)"
)
_CUE = re.compile(r"(\d{1,2}:)?\d{2}:\d{2}[.,]\d{3} --> (\d{1,2}:)?\d{2}:\d{2}[.,]\d{3}")
_TAG = re.compile(r"<[^<>\n]{1,60}>")
_SAMPLE = 400
_FEWEST = 4


def subtitles(text: str, blocks: list[Block]) -> Iterator[Rows]:
    """The cues of SubRip or WebVTT as messages: when they are shown, from and to, and their text."""
    rows: list[tuple[Cell, ...]] = []
    spans: list[tuple[int, int]] = []
    for block in blocks:
        number, times, said = _cue(text[block.start : block.end])
        if times:
            start, _, end = times.partition(" --> ")
            rows.append((number, start.replace(",", "."), end.split(" ")[0].replace(",", "."), said))
            spans.append((block.start, block.end))
        if len(rows) == MOST_ROWS:
            yield Rows("messages", ("number", "start", "end", "text"), rows, spans, kind="messages")
            rows, spans = [], []
    if rows:
        yield Rows("messages", ("number", "start", "end", "text"), rows, spans, kind="messages")


def _cue(block: str) -> tuple[Cell, str, str]:
    lines = block.split("\n")
    for place, line in enumerate(lines[:2]):
        if _CUE.match(line.strip()):
            before = lines[0].strip() if place else ""
            number = int(before) if before.isdecimal() and len(before) < 10 else before or None
            return number, line.strip(), _TAG.sub("", " ".join(lines[place + 1 :])).strip()
    return None, "", ""


def is_talk(text: str) -> bool:
    """Whether most lines at the margin begin a turn, by few speakers who come again."""
    lines = [line for line in text[:60_000].split("\n")[:_SAMPLE] if line and not line[0].isspace()]
    turns = [match for line in lines if (match := _TURN.match(line))]
    speakers = Counter(_speaker(match) for match in turns)
    again = sum(many >= 2 for many in speakers.values())
    return (
        len(turns) >= _FEWEST
        and 10 * len(turns) >= 6 * len(lines)
        and again >= 2
        and 2 * len(speakers) <= len(turns) + 2
    )


def turns(text: str) -> Iterator[Rows]:
    """Every turn as a message: when, who, what; lines that begin no turn belong to the one before."""
    timed = any((match := _TURN.match(line)) and _time(match) for line in text[:60_000].split("\n")[:_SAMPLE])
    columns = ("time", "speaker", "text") if timed else ("speaker", "text")
    rows: list[tuple[Cell, ...]] = []
    spans: list[tuple[int, int]] = []
    for start, end, match in _extents(text):
        said = text[match.end() : end].strip()
        row = (_speaker(match), said)
        rows.append((_time(match), *row) if timed else row)
        spans.append((start, end))
        if len(rows) == MOST_ROWS:
            yield Rows("messages", columns, rows, spans, kind="messages")
            rows, spans = [], []
    if rows:
        yield Rows("messages", columns, rows, spans, kind="messages")


def _extents(text: str) -> Iterator[tuple[int, int, re.Match[str]]]:
    open_turn: tuple[int, re.Match[str]] | None = None
    place = last = 0
    while place < len(text):
        stop = text.find("\n", place)
        stop = len(text) if stop < 0 else stop
        match = _TURN.match(text, place, stop)
        if match:
            if open_turn:
                yield open_turn[0], last, open_turn[1]
            open_turn = (place, match)
        if not text[place:stop].isspace() and stop > place:
            last = stop
        place = stop + 1
    if open_turn:
        yield open_turn[0], last, open_turn[1]


def _speaker(match: re.Match[str]) -> str:
    return (match["nick"] or match["name"]).strip(" *")


def _time(match: re.Match[str]) -> str | None:
    return match["time"] or match["after"]
