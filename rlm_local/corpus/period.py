"""Dates and periods that a question names: "in March 2024", "on 3 May", "since 2023", "Q2 2024", "before June 2023"."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rlm_local.corpus.date import DATE_IN_TEXT, MONTHS, DateReader

_MONTH = "(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_YEAR = r"(?:19|20|21)\d\d"
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": 4}
_FORMS = re.compile(
    rf"""
    (?P<date>{DATE_IN_TEXT.pattern})
    | (?<![\w.-]) (?P<iso_year>{_YEAR})-(?P<iso_month>0[1-9]|1[0-2]) (?![\w-])
    | \b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<day_month>{_MONTH})(?!\s*,?\s*\d{{4}})
    | \b(?P<month_day>{_MONTH})\s+(?P<day_after>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*,?\s*\d{{4}})(?![\d:])
    | \b(?P<month>{_MONTH})(?:,?\s+(?:of\s+)?(?P<month_year>{_YEAR}))?
    | \bQ(?P<quarter>[1-4])(?:[\s/-]*(?:of\s+)?(?P<quarter_year>{_YEAR}))?\b
    | \b(?P<year_first>{_YEAR})[\s-]?Q(?P<quarter_after>[1-4])\b
    | \b(?P<nth>first|second|third|fourth|last|1st|2nd|3rd|4th)\s+quarter(?:\s+of)?(?:\s+(?P<nth_year>{_YEAR}))?
    | \bH(?P<half>[12])[\s/-]*(?P<half_year>{_YEAR})\b
    | \b(?P<nth_half>first|second|last|1st|2nd)\s+half\s+of\s+(?:the\s+year\s+)?(?P<nth_half_year>{_YEAR})
    | (?<![\w.,/-]) (?P<year>{_YEAR}) (?![\w/-]|[.,]\d)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NOT_ALWAYS_MONTHS = frozenset(("may", "mar", "march", "mars", "jan", "sep", "dec", "august", "mai"))
_BEFORE = re.compile(
    r"(?:\b(?P<word>since|from|starting(?:\s+(?:in|on|from))?|as\s+of|after|later\s+than|following|before|prior\s+to|"
    r"earlier\s+than|"
    r"until|till|through|up\s+to|by|no\s+later\s+than|between|in|on|during|of|for|within|throughout|over)\s+)?"
    r"(?P<edge>(?:the\s+)?(?:start|beginning|end)\s+of\s+)?(?:the\s+)?(?:year\s+|month\s+of\s+|\w+day,?\s+)?\Z",
    re.IGNORECASE,
)
_LINK = re.compile(r"\s*(?:and|to|until|till|through|[-\u2013])\s*(?:the\s+)?", re.IGNORECASE)
_NEAR = 80  # characters before a period in which the words stand that say how it is meant
_OPERATORS = {
    **dict.fromkeys(("since", "from", "starting", "as"), ">="),
    **dict.fromkeys(("after", "later", "following"), ">"),
    **dict.fromkeys(("before", "prior", "earlier"), "<"),
    **dict.fromkeys(("until", "till", "through", "up", "by", "no"), "<="),
}


@dataclass(frozen=True)
class Period:
    """A stretch of days, from `first` to `last` inclusive as (month, day), in `year` or, where None, in any year.

    `op` is "in", or "<", "<=", ">", ">=" for what a word before it makes of it. A range over years has a `last_year`.
    """

    first: tuple[int, int]
    last: tuple[int, int]
    year: int | None
    op: str
    start: int
    end: int
    last_year: int | None = None

    def days(self, year: int) -> tuple[str, str]:
        """First and last day in ISO 8601, in `year` where the period states none."""
        first, last = self.year or year, self.last_year or self.year or year
        last_day = min(self.last[1], monthrange(last, self.last[0])[1])
        return f"{first:04}-{self.first[0]:02}-{self.first[1]:02}", f"{last:04}-{self.last[0]:02}-{last_day:02}"


def periods(question: str) -> list[Period]:
    """The periods that a question names, in order; two that "and" or "to" makes one range are one."""
    found: list[Period] = []
    for match in _FORMS.finditer(question):
        extent = _extent(match, question)
        if extent is None:
            continue
        before = _BEFORE.search(question, max(0, match.start() - _NEAR), match.start())
        word = (before["word"] or "").lower().split(" ")[0] if before else ""
        period = Period(
            *extent, _OPERATORS.get(word, "in"), before.start() if before and word else match.start(), match.end()
        )
        previous = found[-1] if found else None
        if previous and _LINK.fullmatch(question, previous.end, match.start()) and previous.op in ("in", ">="):
            opened = re.match(r"\s*(?:between|from)\b", question[previous.start :], re.IGNORECASE)
            if opened or not re.match(r"\s*and", question[previous.end :], re.IGNORECASE):
                found[-1] = _joined(previous, replace(period, start=match.start()))
                continue
        found.append(period)
    return found


def _joined(first: Period, last: Period) -> Period:
    year = first.year or last.year
    return Period(first.first, last.last, year, "in", first.start, last.end, last.year or year)


def _extent(match: re.Match[str], question: str) -> tuple[tuple[int, int], tuple[int, int], int | None] | None:
    parts = {name: value for name, value in match.groupdict().items() if value}
    if "date" in parts:
        iso = DateReader().read(parts["date"].strip())
        day = (int(iso[5:7]), int(iso[8:10])) if iso else (0, 0)
        return (day, day, int(iso[:4])) if iso else None
    year = next((int(value) for name, value in parts.items() if "year" in name), None)
    name = next((parts[group] for group in ("day_month", "month_day", "month") if group in parts), None)
    if name:
        return _month_extent(name, parts, year, question[max(0, match.start() - _NEAR) : match.start()])
    if "iso_month" in parts:
        return (int(parts["iso_month"]), 1), (int(parts["iso_month"]), 31), year
    quarter = parts.get("quarter") or parts.get("quarter_after") or _ORDINALS.get(parts.get("nth", "").lower())
    if quarter:
        return (int(quarter) * 3 - 2, 1), (int(quarter) * 3, 31), year
    half = parts.get("half") or min(2, _ORDINALS.get(parts.get("nth_half", "").lower(), 0))
    return ((1, 1) if half in (0, "1", 1) else (7, 1)), ((6, 31) if half in ("1", 1) else (12, 31)), year


def _month_extent(
    name: str, parts: dict[str, str], year: int | None, before: str
) -> tuple[tuple[int, int], tuple[int, int], int | None] | None:
    month = MONTHS[name.lower().rstrip(".")]
    day = int(parts.get("day") or parts.get("day_after") or 0)
    if day:
        return ((month, day), (month, day), year) if day <= monthrange(2024, month)[1] else None
    alone = name.lower().rstrip(".") in _NOT_ALWAYS_MONTHS and year is None
    if alone and not (
        name[0].isupper()
        and re.search(r"\b(?:in|of|since|before|after|until|during|from|to|and|between|by)\s+\Z", before)
    ):
        return None
    return (month, 1), (month, 31), year


def in_years(period: Period, years: range) -> Iterator[tuple[str, str]]:
    """The period's days in each of the years that it may be in."""
    for year in [period.year] if period.year else years:
        yield period.days(year)
