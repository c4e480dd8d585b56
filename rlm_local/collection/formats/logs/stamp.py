"""When an entry of a log was written: the forms that programs write times in, and what a whole log says of its own.

A log has one form of stamp, told from a sample. Its order of day and month, and a year that its stamps leave out, are
taken from what the log itself shows, and are not guessed.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from rlm_local.collection.months import MONTHS

_CLOCK = r"(?P<h>\d{1,2}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:[.,:]\d{1,9})?)?(?: ?(?P<half>[AaPp][Mm])\b)?"
_NAMES = "UTC|GMT|CES?T|[ECMP][SD]T|BST|IST|JST|MSK|WES?T|EES?T|AE[SD]T"
_ZONE = rf"(?: ?(?P<zone>Z|[+-]\d{{2}}:?\d{{2}}|(?:{_NAMES})(?:[+-]\d{{1,2}})?)(?![\w:]))?"
_DAY_NAME = r"(?:[A-Z][a-z]{2,8},? )?"
_MONTH_NAME = r"(?P<N>[A-Z][a-zä]{2,3})\.?"
FORMS = {
    "iso": rf"(?P<Y>\d{{4}})[-/.](?P<M>\d{{1,2}})[-/.](?P<D>\d{{1,2}})(?:[T _-]|, | - ){_CLOCK}{_ZONE}",
    "dotted": r"(?P<Y>\d{4})-(?P<M>\d{2})-(?P<D>\d{2})-(?P<h>\d{2})\.(?P<m>\d{2})\.(?P<s>\d{2})(?:\.\d{1,9})?",
    "compact": rf"(?P<Y>(?:19|20)\d\d)(?P<M>\d\d)(?P<D>\d\d)[-T _]{_CLOCK}{_ZONE}",
    "dense": r"(?P<Y>(?:19|20)?\d\d)(?P<M>\d\d)(?P<D>\d\d)[-T _](?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)(?P<zone>Z)?(?![\w:])",
    "ctime": rf"{_DAY_NAME}{_MONTH_NAME} {{1,2}}(?P<D>\d{{1,2}}) {_CLOCK}{_ZONE} (?P<Y>\d{{4}})(?!\d)",
    "named": rf"{_DAY_NAME}{_MONTH_NAME} {{1,2}}(?P<D>\d{{1,2}}),? (?P<Y>\d{{4}}),? {_CLOCK}{_ZONE}",
    "day first": rf"{_DAY_NAME}(?P<D>\d{{1,2}})[ /-]{_MONTH_NAME}[ /-](?P<Y>\d{{4}})[ :T]{_CLOCK}{_ZONE}",
    "syslog": rf"{_MONTH_NAME} {{1,2}}(?P<D>\d{{1,2}}) {_CLOCK}{_ZONE}",
    "slashes": rf"(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<c>\d{{2}}(?:\d\d)?)(?:[T _-]|, | - ){_CLOCK}{_ZONE}",
    "short": rf"(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}}) {_CLOCK}{_ZONE}",
    "epoch": r"(?P<epoch>1\d{9})(?:\d{3}|\.\d{1,9})?(?=[\s:\])])",
    "clock": r"(?P<h>\d{1,2}):(?P<m>\d{2}):(?P<s>\d{2})(?:[.,]\d{1,9})?(?![\w:])",
    "running": r"(?P<running>\d{1,9}\.\d{3,9})(?=[\s\]])",
}
_LEAD = r"(?<![\w.:/-])"
_FINDERS = {name: re.compile(_LEAD + form) for name, form in FORMS.items()}
_YEARLESS = frozenset(("syslog", "short"))
_LATEST = 120
"""Characters of a line among which its stamp begins."""
_MOST_WORDS = 5
"""Words that stand before the stamp."""


@dataclass(frozen=True)
class Shape:
    """How the entries of a log begin.

    Attributes:
        form: the name of the form of its stamps.
        words: how many words stand before them.
    """

    form: str
    words: int

    def pattern(self) -> str:
        """A pattern of the beginning of an entry: `before` the stamp, the `stamp`, the marks after it."""
        before = rf"(?P<before>(?:\S{{1,80}}[ \t]{{1,20}}){{{self.words}}})" if self.words else ""
        return rf"(?:<\d{{1,3}}>(?:1 )?)?{before}[\[(<\"']{{0,2}}(?P<stamp>{FORMS[self.form]})[\])>\"']{{0,2}},?"


def shape_of(lines: Iterable[str]) -> tuple[Shape | None, float]:
    """The shape that most of some lines have, and the share of them that have it; None where none has one."""
    seen: Counter[Shape] = Counter()
    total = 0
    for line in lines:
        total += 1
        found = _first(line)
        if found:
            seen[found] += 1
    if not seen:
        return None, 0.0
    shape, count = seen.most_common(1)[0]
    return shape, count / total


def _first(line: str) -> Shape | None:
    best: tuple[int, str] | None = None
    for name, finder in _FINDERS.items():
        match = finder.search(line[: _LATEST + 60])
        if match and match.start() < _LATEST and (best is None or match.start() < best[0]):
            best = match.start(), name
    if best is None:
        return None
    before = line[: best[0]]
    words = before.split()
    if before and not before[-1].isspace() and words:
        words.pop()  # a bracket that the stamp stands in, or a priority
    return Shape(best[1], len(words)) if len(words) <= _MOST_WORDS else None


class Stamps:
    """Reads the stamps of one log.

    Args:
        form: of its stamps.
        sample: matches of stamps in the order in which they stand in the log, with what stands after each.
        name: the file's, which may tell the year.

    Attributes:
        columns: the names of what `read` gives.
        problem: what the log leaves open; empty where nothing.
    """

    def __init__(self, form: str, sample: Sequence[tuple[re.Match[str], str]], name: str) -> None:
        self.problem = ""
        self._order = "MD"
        if form == "slashes":
            self._order = self._told_order([match.group("a", "b", "c") for match, _ in sample], ("YMD", "MDY", "DMY"))
        elif form == "short":
            self._order = self._told_order([match.group("a", "b") for match, _ in sample], ("MD", "DM"))
        self._year = 0
        self._month = 0
        if form in _YEARLESS:
            self._year = self._told_year(sample, name)
            if not self._year:
                self.problem = "the stamps leave out the year: `date` is month and day"
        self._zoned = any(match.groupdict().get("zone") for match, _ in sample)
        if form == "running":
            self.columns = ("seconds",)
        elif form == "clock":
            self.columns = ("time",)
        elif form in _YEARLESS and not self._year:
            self.columns = ("date", "time")
        else:
            self.columns = ("timestamp",)
        if self._zoned:
            self.columns = (*self.columns, f"{self.columns[-1]}_zone")

    def read(self, match: re.Match[str]) -> tuple[str | float | None, ...]:
        """The values of `columns`; None for a stamp that is no time."""
        parts = match.groupdict()
        if parts.get("running"):
            return (float(parts["running"]),)
        values = self._values(parts)
        return (*values, parts.get("zone")) if self._zoned else values

    def _values(self, parts: dict[str, str]) -> tuple[str | None, ...]:
        if parts.get("epoch"):
            return (datetime.fromtimestamp(int(parts["epoch"]), UTC).strftime("%Y-%m-%d %H:%M:%S"),)
        clock = _clock(parts)
        if self.columns[0] == "time":
            return (clock,)
        year, month, day = self._date(parts)
        good = 1 <= month <= 12 and 1 <= day <= 31
        if self.columns[0] == "date":
            return (f"{month:02}-{day:02}" if good else None, clock)
        return (f"{year:04}-{month:02}-{day:02} {clock}" if good and clock else None,)

    def _date(self, parts: dict[str, str]) -> tuple[int, int, int]:
        if parts.get("a"):
            given = dict(zip(self._order, (parts["a"], parts["b"], parts.get("c", "")), strict=False))
            year, month, day = _year(given.get("Y", "")), int(given["M"]), int(given["D"])
        else:
            year = _year(parts.get("Y", ""))
            month = int(parts["M"]) if parts.get("M") else MONTHS.get(parts["N"].lower(), 0)
            day = int(parts["D"])
        if not year and self._year:
            if month < self._month - 6:
                self._year += 1
            self._month, year = month, self._year
        return year, month, day

    def _told_order(self, numbers: Sequence[tuple[str, ...]], orders: Sequence[str]) -> str:
        """The order in which the numbers of dates are dates, and the log's entries follow one another in time."""
        best: list[tuple[int, str]] = []
        for order in orders:
            if order[0] == "Y" and any(len(given[2]) == 4 for given in numbers):
                continue
            dates = [tuple(int(given[order.index(part)]) for part in "YMD" if part in order) for given in numbers]
            if all(1 <= date[-2] <= 12 and 1 <= date[-1] <= 31 for date in dates):
                best.append((sum(a > b for a, b in pairwise(dates)), order))
        if not best:
            return orders[-1]
        best.sort(key=lambda told: told[0])
        if len(best) > 1 and best[0][0] == best[1][0]:
            self.problem = (
                f"day and month cannot be told apart: read as {' '.join(_WORDS[part] for part in best[0][1])}"
            )
        return best[0][1]

    def _told_year(self, sample: Sequence[tuple[re.Match[str], str]], name: str) -> int:
        """The year that entries state of their own day elsewhere, or the file's name; 0 where none is told."""
        turned, month = 0, 0
        told: Counter[int] = Counter()
        for match, text in sample:
            year, own, day = self._date(match.groupdict())
            turned += own < month - 6
            month = own
            for form in ("ctime", "iso", "named", "day first"):
                full = _FINDERS[form].search(text[:1_000])
                if full:
                    year, stated, stated_day = self._date(full.groupdict())
                    if (stated, stated_day) == (own, day):
                        told[year - turned] += 1
        if told:
            return told.most_common(1)[0][0]
        named = re.search(r"(?<!\d)(20[0-4]\d)(?!\d{1,3}(?!\d))", name.rpartition("/")[2])
        return int(named[1]) if named else 0


_WORDS = {"Y": "year", "M": "month", "D": "day"}


def _year(written: str) -> int:
    if not written:
        return 0
    year = int(written)
    return year if len(written) == 4 else year + (2000 if year < 70 else 1900)


def _clock(parts: dict[str, str]) -> str | None:
    hour, minute, second = int(parts["h"]), int(parts["m"]), int(parts.get("s") or 0)
    if parts.get("half"):
        hour = hour % 12 + (12 if parts["half"].lower() == "pm" else 0)
    return f"{hour:02}:{minute:02}:{second:02}" if hour < 24 and minute < 60 and second <= 60 else None
