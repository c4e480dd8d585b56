"""Logs of servers and programs: an entry a row, with its time, its head, its event and the event's parameters.

An entry goes from its stamp to the next one, with the lines of a stack trace and blank lines in it.
"""

import re
from collections.abc import Iterator
from itertools import islice

from rlm_local.collection.formats.format import LOOK, Format
from rlm_local.collection.formats.logs.access import access_form, requests
from rlm_local.collection.formats.logs.head import LEVEL, Head
from rlm_local.collection.formats.logs.stamp import Stamps, shape_of
from rlm_local.collection.formats.part import MOST_ROWS, Cell, Document, Note, Part, Rows, Text
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.source import Source

_SAMPLE = 400
"""Lines that tell whether a text is a log."""
_PARTS = 20
_PART = 200_000
"""Characters of each of the parts of a log, spread over it, that its columns and events are learned from."""
_MOST_LEARNED = 8_000
_LONGEST_MESSAGE = 20_000
_FEWEST = 3
_ROTATED = re.compile(r"(?:[._-]?(?:log|out|gz|bz2|xz|zst|old|\d{1,14}|\d{4}-\d\d-\d\d))*$", re.IGNORECASE)
_LEVELLED = re.compile(LEVEL)


def read(source: Source) -> Iterator[Part]:
    """The text of a log and its entries; the text alone where no line begins as an entry does.

    Raises:
        Unreadable: it is no text.
    """
    yield from read_text(clean(source.text), source.name)


def read_text(text: str, name: str) -> Iterator[Part]:
    """The parts of a log from its text."""
    yield Document(kind="log")
    yield Text(text)
    form = access_form(text[:LOOK])
    if form:
        yield from requests(text, form, table_name(name), name)
        return
    opening = _opening(text)
    if opening:
        yield from _entries(text, *opening, name)


def is_log(head: str) -> bool:
    """Whether a text begins as a log does."""
    return access_form(head) is not None or _opening(head) is not None


def table_name(name: str) -> str:
    """The name of a log, the same for all that it is rotated into: "auth" for "auth.log.2.gz" and "auth-20240101"."""
    base = name.rpartition("/")[2]
    return _ROTATED.sub("", base) or "log"


def _opening(text: str) -> tuple[re.Pattern[str], str] | None:
    """How entries begin, as a pattern, and the form of its stamp, empty for none; None where the text is no log."""
    lines = [line for line in islice(text[:LOOK].split("\n"), _SAMPLE) if line and line[0] not in " \t"]
    if len(lines) < _FEWEST:
        return None
    shape, share = shape_of(lines)
    if shape and share >= 0.5:
        return re.compile(f"^{shape.pattern()}", re.MULTILINE), shape.form
    if sum(bool(_LEVELLED.match(line)) for line in lines) >= 0.6 * len(lines):
        return re.compile(f"^(?={LEVEL})", re.MULTILINE), ""
    return None


def _entries(text: str, opening: re.Pattern[str], form: str, name: str) -> Iterator[Part]:
    from rlm_local.collection.formats.logs.event import Events  # its library takes a tenth of a second to import

    sample = list(_sample(text, opening))
    stamps = (
        Stamps(form, [(match, text[match.end() : match.end() + 300]) for match, _ in sample], name) if form else None
    )
    head = Head(text[match.end() : min(end, match.end() + 400)] for match, end in sample)
    events = Events(_first_line(text, head.read(text, match.end())[1], end) for match, end in sample)
    before = any(match.groupdict().get("before") for match, _ in sample)
    own = (*(("source",) if before else ()), *(stamps.columns if stamps else ()), *head.columns, "message", "event")
    columns = (*own, *(f"message {label}" if label in own else label for label in events.columns))
    if stamps and stamps.problem:
        yield Note(stamps.problem)
    rows: list[tuple[Cell, ...]] = []
    spans: list[tuple[int, int]] = []
    for match, end in _extents(text, opening):
        found, start = head.read(text, match.end())
        event, values = events.read(_first_line(text, start, end))
        row: list[Cell] = [match["before"].strip(" |\t")] if before else []
        row.extend(stamps.read(match) if stamps else ())
        row.extend(found.get(column) for column in head.columns)
        row.extend((text[start : min(end, start + _LONGEST_MESSAGE)].strip(), event, *values))
        rows.append(tuple(row))
        spans.append((match.start(), end))
        if len(rows) == MOST_ROWS:
            yield Rows(table_name(name), columns, rows, spans, kind="lines")
            rows, spans = [], []
    if rows:
        yield Rows(table_name(name), columns, rows, spans, kind="lines")


def _sample(text: str, opening: re.Pattern[str]) -> Iterator[tuple[re.Match[str], int]]:
    """Entries from everywhere in a log, a bounded number."""
    if len(text) <= _PARTS * _PART:
        found = list(_extents(text, opening))
        yield from found[:: len(found) // _MOST_LEARNED + 1]
        return
    length = len(text) // _PARTS + 1
    for start in range(0, len(text), length):
        yield from islice(_extents(text, opening, start, start + min(length, _PART)), _MOST_LEARNED // _PARTS)


def _extents(
    text: str, opening: re.Pattern[str], start: int = 0, stop: int | None = None
) -> Iterator[tuple[re.Match[str], int]]:
    """Each entry: how it begins, and where it ends."""
    stop = len(text) if stop is None else min(stop, len(text))
    last: re.Match[str] | None = None
    for match in opening.finditer(text, start, stop):
        if last:
            yield last, _end(text, last.end(), match.start())
        last = match
    if last:
        yield last, _end(text, last.end(), stop)


def _end(text: str, start: int, stop: int) -> int:
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    return stop


def _first_line(text: str, start: int, end: int) -> str:
    stop = text.find("\n", start, end)
    return text[start : end if stop < 0 else stop].strip()


def _sniffed(head: bytes) -> bool:
    return is_log(clean(head.decode("utf-8", "replace")))


FORMAT = Format("log", frozenset(("log", "logs", "journal", "syslog")), read, _sniffed)
