"""Logs of servers and programs: an entry a row, with its time, its head, its event and the event's parameters.

An entry goes from its stamp to the next one, with the lines of a stack trace and blank lines in it.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from rlm_local.collection.formats import csv
from rlm_local.collection.formats.format import LOOK, Format
from rlm_local.collection.formats.logs.access import Requests, access_form
from rlm_local.collection.formats.logs.extended import Extended, is_extended
from rlm_local.collection.formats.logs.head import LEVEL, Head
from rlm_local.collection.formats.logs.pairs import Pairs, is_pairs
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
_LINE = re.compile("^", re.MULTILINE)


def read(source: Source) -> Iterator[Part]:
    """The text of a log and its entries; the text alone where no line begins as an entry does.

    Raises:
        Unreadable: it is no text.
    """
    yield Document(kind="log")
    first = next(source.segments(), "")
    begins, reader = _LINE, _of_lines(first, source.name)
    opening = None if reader else _opening(first)
    if opening:
        begins = opening[0]
        reader = _Entries(_learned(source, begins), *opening, source.name)
    if reader is None:
        yield from map(Text, source.segments())
        return
    start = 0
    for text in _stretches(source, begins):
        yield Text(text)
        yield from reader.rows(text, start)
        start += len(text)
    if reader.problem:
        yield Note(reader.problem)


class _Reader(Protocol):
    """Reads the entries of a log; `problem` is what it leaves open, empty where nothing."""

    @property
    def problem(self) -> str: ...
    def rows(self, text: str, start: int) -> Iterator[Rows]: ...


def _of_lines(first: str, name: str) -> _Reader | None:
    """A reader for a log that has an entry a line, in a form that says itself what is what."""
    head = first[:LOOK]
    form = access_form(head)
    if form:
        return Requests(first, form, table_name(name), name)
    if is_extended(head):
        return Extended(table_name(name))
    if is_pairs(head):
        return Pairs(first, table_name(name))
    return None


def _stretches(source: Source, opening: re.Pattern[str]) -> Iterator[str]:
    """The text, that of a large log cut where entries begin."""
    rest = ""
    for segment in source.segments():
        text = rest + segment
        cut = 0
        if source.is_large:
            for match in opening.finditer(text, max(0, len(text) - _PART)):
                cut = match.start()
        if cut:
            yield text[:cut]
            rest = text[cut:]
        else:
            yield text
            rest = ""
    if rest:
        yield rest


def _learned(source: Source, opening: re.Pattern[str]) -> str:
    """What a log is learned from: all of it, of a large one some from everywhere."""
    if not source.is_large:
        return next(source.segments(), "")
    parts: list[str] = []
    for segment in source.segments():
        begins = opening.search(segment)
        if begins:
            parts.append(segment[begins.start() : segment.rfind("\n", 0, begins.start() + _PART) + 1])
    return "".join(parts)


def is_log(head: str) -> bool:
    """Whether a text begins as a log does, and is no table of measurements with their times."""
    return _of_lines(head, "") is not None or (_opening(head) is not None and not csv.is_headed(head))


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


class _Entries:
    """Reads the entries of a log.

    Args:
        learned: the text that tells what its stamps, heads and events are.
        opening: how entries begin.
        form: of the stamp; empty for none.
    """

    def __init__(self, learned: str, opening: re.Pattern[str], form: str, name: str) -> None:
        from rlm_local.collection.formats.logs.event import Events  # its library takes a tenth of a second to import

        self._opening, self._table = opening, table_name(name)
        sample = list(_sample(learned, opening))
        told = [(match, learned[match.end() : match.end() + 300]) for match, _ in sample]
        self._stamps = Stamps(form, told, name) if form else None
        self._head = head = Head(learned[match.end() : min(end, match.end() + 400)] for match, end in sample)
        self._events = Events(_first_line(learned, head.read(learned, match.end())[1], end) for match, end in sample)
        self._before = any(match.groupdict().get("before") for match, _ in sample)
        stamped = self._stamps.columns if self._stamps else ()
        own = (*(("source",) if self._before else ()), *stamped, *head.columns, "message", "event")
        self._columns = (*own, *(f"message {label}" if label in own else label for label in self._events.columns))

    @property
    def problem(self) -> str:
        stamps, untold = self._stamps.problem if self._stamps else "", self._events.untold
        forms = f"hardly two messages are alike: {untold} of them are without event and parameters" if untold else ""
        return "; ".join(filter(None, (stamps, forms)))

    def rows(self, text: str, start: int) -> Iterator[Rows]:
        """The entries of a stretch that begins with one, at `start` of the log's text."""
        rows: list[tuple[Cell, ...]] = []
        spans: list[tuple[int, int]] = []
        for match, end in _extents(text, self._opening):
            rows.append(self._row(text, match, end))
            spans.append((start + match.start(), start + end))
            if len(rows) == MOST_ROWS:
                yield Rows(self._table, self._columns, rows, spans, kind="lines")
                rows, spans = [], []
        if rows:
            yield Rows(self._table, self._columns, rows, spans, kind="lines")

    def _row(self, text: str, match: re.Match[str], end: int) -> tuple[Cell, ...]:
        found, start = self._head.read(text, match.end())
        event, values = self._events.read(_first_line(text, start, end))
        row: list[Cell] = [match["before"].strip(" |\t")] if self._before else []
        row.extend(self._stamps.read(match) if self._stamps else ())
        row.extend(found.get(column) for column in self._head.columns)
        row.extend((text[start : min(end, start + _LONGEST_MESSAGE)].strip(), event, *values))
        return tuple(row)


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
    return start + len(text[start:stop].rstrip())


def _first_line(text: str, start: int, end: int) -> str:
    stop = text.find("\n", start, end)
    return text[start : end if stop < 0 else stop].strip()


def _sniffed(head: bytes) -> bool:
    return is_log(clean(head.decode("utf-8", "replace")))


FORMAT = Format("log", frozenset(("log", "logs", "journal", "syslog")), read, _sniffed, version=2)
