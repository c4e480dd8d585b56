"""Dates and times as people and programs write them, read to ISO 8601 strings.

A date is "YYYY-MM-DD", with a time "YYYY-MM-DDTHH:MM:SS"; a month alone is "YYYY-MM". Times stay as
written on the wall: an offset from UTC is dropped. So dates of one field compare as strings, and a shorter one is a
prefix of those that it contains.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

Order = Literal["day", "month"]

_MONTH_NAMES = (
    "january jan januar janvier enero",
    "february feb februar février fevrier febrero",
    "march mar märz maerz mars marzo",
    "april apr avril abril",
    "may mai mayo",
    "june jun juni juin junio",
    "july jul juli juillet julio",
    "august aug août aout agosto",
    "september sep sept septembre septiembre",
    "october oct oktober okt octobre octubre",
    "november nov novembre noviembre",
    "december dec dezember dez décembre decembre diciembre",
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_NAME = "(?P<name>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_TIME = (
    r"(?:(?:T|\s+at\s+|,?\s+|:)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s?(?P<half>[ap])\.?m\b\.?)?(?:\s?(?:Z|UTC|GMT|[A-Z]{2,4}T|[+-]\d{2}:?\d{2})\b)?(?:\s\([A-Z]{2,5}\))?)?"
)
_YEAR = r"(?P<year>(?:1[6-9]|2[01])\d\d)"
_FORMS = (
    _YEAR + r"[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME,
    r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second_part>\d{1,2})(?P=mark)(?P<year>(?:1[6-9]|2[01])?\d\d)" + _TIME,
    _WEEKDAY
    + r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[-/\s]\s?(?:of\s|de\s)?"
    + _NAME
    + r"[-/\s,]\s?(?:de\s)?"
    + _YEAR
    + _TIME,
    _WEEKDAY + _NAME + r"\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+" + _YEAR + _TIME,
    _NAME + r",?\s+(?:de\s)?" + _YEAR,
    _YEAR + r"-(?P<month>0[1-9]|1[0-2])",
)
_PATTERNS = tuple(re.compile(form, re.IGNORECASE) for form in _FORMS)
# The same, to be found inside prose: without the bare forms of a month, which sentences use for other things.
DATE_IN_TEXT = re.compile(
    "|".join(
        rf"(?<![\w/.-])(?:{re.sub(r'[(][?]P<[a-z_]+>', '(?:', form.replace('(?P=mark)', '[-/.]'))})(?![\w/-])"
        for form in _FORMS[:4]
    ),
    re.IGNORECASE,
)


class DateReader:
    """Reads the dates of one field: the order of day and month is decided once, the form last seen is tried first."""

    def __init__(self, order: Order = "day") -> None:
        self._order: Order = order
        self._patterns = list(_PATTERNS)

    def read(self, text: str) -> str | None:
        """The date that `text` is, in ISO 8601; None if it is none."""
        for place, pattern in enumerate(self._patterns):
            match = pattern.fullmatch(text)
            if match is not None:
                if place:
                    self._patterns.insert(0, self._patterns.pop(place))
                return self._iso(match.groupdict())
        return None

    def _iso(self, parts: dict[str, str | None]) -> str | None:
        year, month, day = int(parts["year"] or 0), parts.get("month"), parts.get("day")
        if year < 100:
            year += 2000 if year < 70 else 1900
        name = parts.get("name")
        if name:
            month = str(MONTHS[name.lower()])
        if parts.get("first"):
            pair = int(parts["first"] or 0), int(parts["second_part"] or 0)
            day_first = pair[1] <= 12 and (self._order == "day" or pair[0] > 12)
            day, month = (str(part) for part in (pair if day_first else pair[::-1]))
        number = int(month or 0)
        if not 1 <= number <= 12:
            return None
        if day is None:
            return f"{year:04}-{number:02}"
        if not 1 <= int(day) <= monthrange(year, number)[1]:
            return None
        date = f"{year:04}-{number:02}-{int(day):02}"
        hour = parts.get("hour")
        return date if hour is None else _with_time(date, int(hour), parts)


def _with_time(date: str, hour: int, parts: dict[str, str | None]) -> str | None:
    minute, second, half = int(parts["minute"] or 0), int(parts.get("second") or 0), (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59 or second > 60:
        return None
    return f"{date}T{hour:02}:{minute:02}:{second:02}"


_AMBIGUOUS = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}")


def day_month_order(texts: Sequence[str]) -> Order:
    """Whether a field's dates like 03/04/2025 give the day or the month first.

    A part above 12 decides. Where none is, the order in which the dates rise more steadily; or else the day.
    """
    pairs = [(int(match[1]), int(match[2])) for match in map(_AMBIGUOUS.match, texts) if match]
    day = sum(first > 12 for first, _ in pairs)
    month = sum(second > 12 for _, second in pairs)
    if day != month:
        return "day" if day > month else "month"
    falls: dict[Order, int] = {
        order: _falls(DateReader(order).read(text) for text in texts[:500]) for order in ("day", "month")
    }
    return "month" if falls["month"] < falls["day"] else "day"


def _falls(dates: Iterable[str | None]) -> int:
    falls, last = 0, ""
    for date in dates:
        falls += date is not None and date < last
        last = date or last
    return falls


def from_epoch(value: float) -> str | None:
    """Seconds or milliseconds since 1970 as a date of the years 2001 to 2033; None for other numbers."""
    seconds = value / 1000 if value >= 1e12 else value
    if not 1e9 <= seconds < 2e9:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
