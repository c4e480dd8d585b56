"""Logs: a record per line that begins one, with its stack trace or other continuation; fields by form and key=value."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from rlm_local.corpus.date import MONTHS, DateReader, day_month_order
from rlm_local.corpus.table import Reading, Table

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})(?![\w:]))?"
_STAMPS = (
    rf"\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:[T ]{_CLOCK}{_ZONE})?(?!\d)",
    rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}},? {_CLOCK}(?:\s?[apAP][mM]\b)?{_ZONE}",
    rf"\d{{1,2}}[/ -][A-Z][a-z]{{2}}[/ -]\d{{4}}[: T]{_CLOCK}{_ZONE}",
    rf"(?:[A-Z][a-z]{{2}} )?[A-Z][a-z]{{2}} [ \d]\d {_CLOCK}(?: \d{{4}})?",
)
_LEVEL = (
    "TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|ALERT|EMERG|EMERGENCY|PANIC|"
    "trace|debug|info|notice|warn|warning|error|critical|fatal|Info|Warning|Error|Debug|Critical|Fatal"
)
_STAMP = re.compile(rf"[\[(<]?(?P<stamp>{'|'.join(_STAMPS)})[\])>]?[ \t]*(?:[-|,:][ \t]+)?")
_LEADING_LEVEL = re.compile(rf"[\[(<]?(?P<level>{_LEVEL})[\])>]?(?=[\s:\]|])[:|\s]*(?:-[ \t])?")
_BRACKET = re.compile(r"\[(?P<inner>[^\[\]\n]{1,80})\][ \t:]*(?:-[ \t])?")
_HOST = re.compile(r"(?P<host>[\w.-]+) (?P<component>[\w./() -]{1,48}?)(?:\[(?P<pid>\d+)\])?: ")
_COMPONENT = re.compile(r"(?P<component>[A-Za-z_][\w.$/-]{1,60})(?:\[(?P<pid>\d+)\])?(?::[ \t]+|[ \t]+-[ \t]+)")
_SPEAKER = re.compile(r"(?P<component>[A-Z][\w'.-]*(?: [A-Z][\w'.-]*){1,2}):[ \t]+")
_PAIR = re.compile(r"(?<![\w.&?])([A-Za-z_][\w.-]{0,40})=(\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s,;\"'\])}]+)")
_ACCESS = re.compile(
    r'(?P<client>\S+) \S+ (?P<user>\S+) \[(?P<timestamp>[^\]\n]{8,40})\] "(?P<method>[A-Z]+) (?P<path>\S+)[^"\n]*" '
    r'(?P<status>\d{3}) (?P<bytes>\d+|-)(?: "(?P<referer>[^"\n]*)" "(?P<agent>[^"\n]*)")?(?P<message>.*)'
)
_SAMPLE = 200  # lines that decide whether a text is a log


def is_log(text: str) -> bool:
    """Whether most of a text's first lines that begin at the margin are log records."""
    lines = [line for line in text[:60_000].split("\n")[:_SAMPLE] if line and not line[0].isspace()]
    hits = sum(bool(_STAMP.match(line) or _ACCESS.match(line) or _LEADING_LEVEL.match(line)) for line in lines)
    return len(lines) >= 3 and hits >= 0.5 * len(lines)


def read(text: str, name: str) -> Reading:
    """Records of a log. Timestamps are ISO 8601; those without a year get the one the file names, or this one."""
    reading = Reading("log")
    table = Table(name, "lines")
    stamps = _Stamps(text, name)
    known: dict[str, str] = {}
    for start, end in _records(text):
        cells = _cells(text[start:end], stamps)
        table.add(start, end, {label: known.setdefault(cell, cell) for label, cell in cells.items()})
        if len(known) > 50_000:
            known.clear()
    if len(table):
        reading.tables.append(table)
    if stamps.guessed:
        reading.problems.append((0, f"timestamps state no year: read as {stamps.guessed}"))
    return reading


def _records(text: str) -> Iterator[tuple[int, int]]:
    stamped = _is_stamped(text)
    start = end = place = 0
    while place < len(text):
        newline = text.find("\n", place)
        stop = len(text) if newline < 0 else newline
        if stop > place and not text[place:stop].isspace():
            begins = text[place] not in " \t" and (
                not stamped or bool(_STAMP.match(text, place) or _ACCESS.match(text, place))
            )
            if begins and end > start:
                yield start, end
            if begins or end == start:
                start = place
            end = stop
        place = stop + 1
    if end > start:
        yield start, end


def _is_stamped(text: str) -> bool:
    lines = [line for line in text[:60_000].split("\n")[:_SAMPLE] if line and not line[0].isspace()]
    hits = sum(bool(_STAMP.match(line) or _ACCESS.match(line)) for line in lines)
    return hits >= 0.3 * len(lines) and hits > 0


def _cells(record: str, stamps: "_Stamps") -> dict[str, str]:
    access = _ACCESS.match(record)
    if access:
        cells = {key: value for key, value in access.groupdict().items() if value and value != "-" and value.strip()}
        return {**cells, "timestamp": stamps.read(cells["timestamp"])}
    cells: dict[str, str] = {}
    place = 0
    match = _STAMP.match(record)
    if match:
        cells["timestamp"] = stamps.read(match["stamp"])
        place = match.end()
    place = _prefix(record, place, cells)
    first_line = record.find("\n", place)
    message = record[place : first_line if first_line >= 0 else len(record)].strip()
    if message:
        cells["message"] = message
    if "=" in message:
        for key, value in _PAIR.findall(message):
            cells.setdefault(key, value.strip("\"'"))
    return cells


def _prefix(record: str, place: int, cells: dict[str, str]) -> int:
    """Read level, brackets and component, between timestamp and message. Returns where the message begins."""
    for _ in range(6):
        match = _LEADING_LEVEL.match(record, place)
        if match and "level" not in cells:
            cells["level"] = match["level"].upper()
        else:
            match = _BRACKET.match(record, place)
            if not match:
                break
            _bracket(match["inner"], cells)
        place = match.end()
    if "component" in cells:
        return place
    patterns = (_COMPONENT, _SPEAKER, _HOST) if cells else (_COMPONENT,)
    for pattern in patterns:
        match = pattern.match(record, place)
        if match:
            cells.update({key: value for key, value in match.groupdict().items() if value})
            return match.end()
    return place


def _bracket(inner: str, cells: dict[str, str]) -> None:
    if "level" not in cells and re.fullmatch(_LEVEL, inner):
        cells["level"] = inner.upper()
        return
    pair = re.fullmatch(r"([A-Za-z_]\w{0,20})[ :=]+(\S+)", inner)
    if pair:
        cells.setdefault(pair[1], pair[2])
        return
    label = next((label for label in ("component", "tag", "tag_2") if label not in cells), None)
    if label:
        cells[label] = inner.strip()


class _Stamps:
    """Reads one log's timestamps. A year that is not stated goes up where the months start again."""

    def __init__(self, text: str, name: str) -> None:
        some = [match["stamp"] for line in text[:60_000].split("\n") if (match := _STAMP.match(line))]
        self._reader = DateReader(day_month_order(some))
        stated = re.search(r"(?<!\d)(20\d\d)", name) or re.search(r"(?<![\d:.])(20[0-4]\d)(?![\d:.])", text[:60_000])
        self._stated = bool(stated)
        self._year = int(stated[1]) if stated else datetime.now(UTC).year
        self._month = 0
        self._last = ("", "")
        self.guessed = 0

    def read(self, stamp: str) -> str:
        if self._last[0] != stamp:
            self._last = (stamp, self._read(stamp))
        return self._last[1]

    def _read(self, stamp: str) -> str:
        iso = self._reader.read(stamp.strip())
        if iso:
            return iso
        parts = re.match(r"(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) +(\d{1,2}) (.*)", stamp)
        if not parts or parts[1].lower() not in MONTHS:
            return stamp
        year = re.search(r" (\d{4})$", parts[3])
        clock = parts[3][: year.start()] if year else parts[3]
        month = MONTHS[parts[1].lower()]
        if year is None:
            if month < self._month - 6:
                self._year += 1
            self._month = month
            if not self._stated and not self.guessed:
                self.guessed = self._year
        return self._reader.read(f"{year[1] if year else self._year}-{month:02}-{int(parts[2]):02}T{clock}") or stamp
