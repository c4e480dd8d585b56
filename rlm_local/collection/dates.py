"""Dates, times and clock times as people and programs write them, read to text that sorts.

A date is "YYYY-MM-DD", a time "YYYY-MM-DD HH:MM:SS", a clock time "HH:MM:SS": as on the wall where it was written; the
zone is given beside it. Every pattern is anchored and takes one way through its text, which is short.
"""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from rlm_local.collection.months import DAYS, MONTHS

Order = Literal["day", "month"]
"""Whether 03/04/2025 gives the day or the month first."""

SHORTEST, SHORTEST_WITH_SLASHES, LONGEST = 8, 6, 48
"""Characters; no other text is a date. "1/7/13" is one, but "1.7.13" is as often a version or a chapter."""

_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d{1,9})?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"(?: ?(?P<zone>Z|UTC|GMT|[A-Z]{2,4}T|[+-]\d\d:?(?:\d\d)?))?(?: \([A-Za-z ]{1,30}\))?"
)
_TIME = rf"(?:(?:[T:]|,? (?:at )?){_CLOCK})?"
_BASIC = r"(?:T(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?P<zone>Z)?)?"
_DAYS = rf"(?:(?:{'|'.join(DAYS)})[^\W\d_]{{0,11}}(?:-feira)?\.?,? )?"
_NTH = r"st|nd|rd|th|er|º|\."
_NAME = r"(?P<name>[^\W\d_]{3,12})\.?"
_YEAR = r"(?P<year>(?:1[5-9]|2[01])\d\d)"
_FORMS = (
    rf"{_YEAR}(?P<mark>[-/.])(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?){_TIME}",
    rf"{_YEAR}(?P<month>[01]\d)(?P<day>[0-3]\d){_BASIC}",
    rf"{_YEAR} ?[年년] ?(?P<month>\d\d?) ?[月월] ?(?P<day>\d\d?) ?[日일]{_TIME}",
    rf"(?P<first>\d\d?)(?P<mark>[-/.])(?P<other>\d\d?)(?P=mark)(?P<year>(?:1[5-9]|2[01])?\d\d){_TIME}",
    rf"{_DAYS}(?P<day>\d\d?)(?:{_NTH})?[-/. ](?:of |de )?{_NAME}(?:[-/ ]|, )(?:de )?{_YEAR}(?: \u0433\.)?{_TIME}",
    rf"{_DAYS}{_NAME} (?P<day>\d\d?)(?:st|nd|rd|th)?,? {_YEAR}{_TIME}",
    rf"{_DAYS}{_NAME} (?P<day>\d\d?) {_CLOCK} {_YEAR}",
)
_MONTHS_AND_DAYS = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|"
    "02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_LEAP_DAYS = "(?:(?:1[5-9]|2[01])(?:0[48]|[2468][048]|[13579][26])|1600|2000)-02-29"
DAY = rf"(?:(?:1[5-9]|2[01])[0-9][0-9]-{_MONTHS_AND_DAYS}|{_LEAP_DAYS})"
"""A pattern for dates that are written as they are kept."""
CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
"""A pattern for times of day that are written as they are kept."""
_PATTERNS = tuple(re.compile(form, re.IGNORECASE) for form in _FORMS)
_CLOCK_ALONE = re.compile(_CLOCK)
_AMBIGUOUS = re.compile(r"(\d\d?)[-/.](\d\d?)[-/.](?:\d\d){1,2}(?!\d)")


@dataclass(frozen=True)
class Moment:
    """A date or time as read. `zone` is as written, empty for none."""

    text: str
    zone: str = ""
    timed: bool = False


def moment(text: str, order: Order = "day") -> Moment | None:
    """The date or time that a whole text is; None if it is none, or no day of the calendar."""
    if not (SHORTEST_WITH_SLASHES if "/" in text else SHORTEST) <= len(text) <= LONGEST:
        return None
    text = " ".join(text.split())
    for pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is not None:
            return _moment(match.groupdict(), order)
    return None


def clock(text: str) -> Moment | None:
    """The time of day that a whole text is."""
    match = _CLOCK_ALONE.fullmatch(text) if 4 <= len(text) <= LONGEST else None
    told = _told(match.groupdict()) if match else None
    return Moment(told, (match and match["zone"]) or "", timed=True) if told else None


def order_of(texts: Iterable[str]) -> Order | None:
    """Which comes first in a column's dates; None where none tells: no part above 12, or as many for either."""
    day = month = 0
    for text in texts:
        match = _AMBIGUOUS.match(text)
        if match:
            day += int(match[1]) > 12
            month += int(match[2]) > 12
    return None if day == month else "day" if day > month else "month"


def is_ambiguous(text: str) -> bool:
    """Whether it is for the column to say which part is the day."""
    match = _AMBIGUOUS.match(text)
    return match is not None and match[1] != match[2]


def steadier(texts: Iterable[str]) -> Order:
    """The order in which the dates rise more steadily down the column; the day first if neither does."""
    some = list(texts)
    falls: dict[Order, int] = {}
    for order in ("day", "month"):
        read = [found.text for text in some if (found := moment(text, order))]
        falls[order] = sum(later < earlier for earlier, later in itertools.pairwise(read))
    return "month" if falls["month"] < falls["day"] else "day"


def from_epoch(seconds: float) -> str | None:
    """Seconds or milliseconds since 1970 as a time in UTC, for the years 2001 to 2033; None for other numbers."""
    seconds = seconds / 1000 if seconds >= 1e12 else seconds
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if 1e9 <= seconds < 2e9 else None


def _moment(parts: dict[str, str | None], order: Order) -> Moment | None:
    year = int(parts["year"] or 0)
    if year < 100:
        year += 2000 if year < 70 else 1900
    name = parts.get("name")
    if name is not None:
        month, day = MONTHS.get(name.lower(), 0), int(parts["day"] or 0)
    elif parts.get("first"):
        pair = int(parts["first"] or 0), int(parts["other"] or 0)
        day, month = pair if order == "day" else pair[::-1]
    else:
        month, day = int(parts["month"] or 0), int(parts["day"] or 0)
    try:
        kept = date(year, month, day).isoformat()
    except ValueError:
        return None
    if parts.get("hour") is None:
        return Moment(kept)
    told = _told(parts)
    return Moment(f"{kept} {told}", parts.get("zone") or "", timed=True) if told else None


def _told(parts: dict[str, str | None]) -> str | None:
    hour, minute, second = int(parts["hour"] or 0), int(parts["minute"] or 0), int(parts["second"] or 0)
    half = (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 24
    return f"{hour:02}:{minute:02}:{second:02}" if hour <= 23 and minute <= 59 and second <= 60 else None
