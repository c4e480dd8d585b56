"""Linking a question to an item set: the tests on its fields that the question's own words suggest.

Only what exists is offered: values that a field has, numbers for fields of numbers, periods that a field's dates reach.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rlm_local.corpus.comparison import Comparison, comparisons
from rlm_local.corpus.field import Field
from rlm_local.corpus.item_set import ItemSet
from rlm_local.corpus.period import Period, in_years, periods
from rlm_local.corpus.vocabulary import LONGEST, STOP_WORDS, Word, key, words
from rlm_sandbox.guest.rlm.words import stem

_QUOTED = re.compile(
    '["\u201c\u201e\u00ab]([^"\u201c\u201d\u201e\u00ab\u00bb\n]{2,120})["\u201d\u201c\u00bb]'
    "|(?<!\\w)['\u2018]([^'\u2018\u2019\n]{2,80})['\u2019](?!\\w)"
)
_YEAR = re.compile(r"(?<![\w./-])(?:19|20)\d\d(?![\w/-])")  # on its own, not in a code like T-2089
_NEGATION = frozenset(
    ("not", "no", "never", "without", "isn", "wasn", "aren", "weren", "hasn", "haven", "doesn", "didn", "non")
)
_PREFIX = re.compile(r"(?<![\w.-])([A-Za-z]+[-_/.]?\d\w*(?:[-_/.]\w+)*)[-_/.]?(?![\w])")  # I-2024, also in I-2024-...
_MOST_YEARS = 3  # that a date without a year is offered in
_NOUN = 3  # words between a number and what it counts
_NOUN_CHARACTERS = 80  # in which those words stand
_NEAR = 30  # characters between a field's name and what is tested
_UNITS = {"dollar": "USD", "usd": "USD", "euro": "EUR", "eur": "EUR", "pound": "GBP", "percent": "%", "pct": "%",
          "minut": "min", "mins": "min", "min": "min", "kilo": "kg", "kilogram": "kg", "kg": "kg", "kilometr": "km",
          "hour": "h", "hr": "h"}  # fmt: skip

_CURRENCIES = frozenset("EUR USD GBP JPY INR CHF SEK NOK DKK PLN CZK CAD AUD NZD CNY BRL".split())

LinkValue = str | float | tuple[str, str] | tuple[float, float]


@dataclass(frozen=True)
class Link:
    """A test that a question suggests: `field` `op` `value`.

    `op` is "=", "<", "<=", ">", ">=", "in" (a closed range; a day includes its hours) or "contains". The field
    "text" is the item's whole text. `surface` are the question's words, `score` (0 to 1) how surely they mean this.
    """

    field: str
    op: str
    value: LinkValue
    surface: str
    score: float


def link(question: str, item_set: ItemSet) -> list[Link]:
    """The tests on `item_set` that the question suggests, surest first."""
    asked = words(question)
    times = periods(question)
    amounts = [
        c
        for c in comparisons(question)
        if not any(p.start <= c.start < p.end or c.start <= p.start < c.end for p in times)
    ]
    has_dates = any(field.type == "date" for field in item_set.fields)
    years = {match.start() for match in _YEAR.finditer(question)} if has_dates else set[int]()
    named_words = [word for word in asked if word.start not in years]  # a year is a period there
    found: list[Link] = []
    for field in item_set.fields:
        named = _places_of_name(field, asked)
        if field.type == "number":
            found.extend(_number_links(field, amounts, named, question))
        elif field.type == "date":
            found.extend(_date_links(field, times, named, question))
        elif field.type == "bool":
            found.extend(_bool_links(field, asked, named, question))
        else:
            found.extend(_value_links(field, named_words, named, question))
        if field.type == "id":
            found.extend(_prefix_links(field, question))
    found.extend(Link("text", "contains", phrase, phrase, 0.5) for phrase in _quoted(question))
    best: dict[tuple[str, str, LinkValue], Link] = {}
    for each in found:
        known = best.get((each.field, each.op, each.value))
        if known is None or known.score < each.score:
            best[each.field, each.op, each.value] = each
    return sorted(best.values(), key=lambda each: (-each.score, -len(each.surface)))


def group_size(question: str, item_set: ItemSet) -> Link | None:
    """How many items of the set a question asks for in each group: "two or more invoices", "more than twice".

    The field of the link is empty: it is a test on groups, not on items.
    """
    own = {stem(word) for word in (*item_set.name.split("_"), item_set.kind, "times", "once", "twice")}
    for stated in comparisons(question):
        said = question[stated.start : stated.end]
        noun = re.split(r"[,.;:?!]", question[stated.end : stated.end + _NOUN_CHARACTERS])[0]
        near = {word.stem for word in [*words(said), *words(noun)[:_NOUN]]}
        if not stated.bare and isinstance(stated.value, float) and near & own:
            return Link("", stated.op, stated.value, said, 1.0)
    return None


def _quoted(question: str) -> Iterator[str]:
    return ((match[1] or match[2]).strip() for match in _QUOTED.finditer(question))


def _places_of_name(field: Field, asked: Sequence[Word]) -> list[int]:
    """Where (characters) the question says the field's name or a telling word of it."""
    telling = {stem(part) for part in field.name.split("_") if len(part) >= 3 and part not in STOP_WORDS}
    return [word.start for word in asked if word.stem in telling]


def _near(place: int, named: Sequence[int], reach: int = _NEAR) -> bool:
    return any(abs(place - other) <= reach for other in named)


def _value_links(field: Field, asked: Sequence[Word], named: Sequence[int], question: str) -> Iterator[Link]:
    vocabulary = field.vocabulary
    covered: set[int] = set()
    for size in range(min(LONGEST, len(asked)), 0, -1):
        for first in range(len(asked) - size + 1):
            run = asked[first : first + size]
            if covered.issuperset(range(first, first + size)):
                continue
            values = vocabulary.whole.get(key(word.stem for word in run), ())
            surface = question[run[0].start : run[-1].end]
            values = [v for v in values if _is_meant(v, surface, run, _near(run[0].start, named, 12))]
            if values:
                covered.update(range(first, first + size))
                score = min(1.0, 0.8 + 0.1 * (size > 1) + 0.2 * _near(run[0].start, named))
                yield from (Link(field.name, "=", value, surface, score) for value in values[:3])
    yield from _partial_links(field, [word for place, word in enumerate(asked) if place not in covered])


def _is_meant(value: str, surface: str, run: Sequence[Word], named: bool) -> bool:
    """Whether a value that is but a little word is meant: said in its own capitals, or beside the field's name."""
    if len(run) > 1 or not (len(surface) <= 2 or surface.lower() in STOP_WORDS) or surface.isdigit():
        return True
    return named or (surface == value and surface.isupper() and surface not in ("I", "A"))


def _partial_links(field: Field, asked: Sequence[Word]) -> Iterator[Link]:
    """Values of several words of which the question says some, capitalised: a surname, a part of a title."""
    hits: dict[str, list[Word]] = {}
    for word in asked:
        distinct = len(word.stem) >= 3 and word.written.lower() not in STOP_WORDS
        if not distinct or not (
            (word.written[0].isupper() and word.start > 0) or any(c.isdigit() for c in word.written)
        ):
            continue
        sharing = field.vocabulary.sharing(word.stem)
        if len(sharing) > 1:
            there = {other.written for value in sharing for other in words(value) if other.stem == word.stem}
            said = min(there, key=len, default=word.written)  # of "Thursdays" Thursday, where the values say that
            yield Link(field.name, "contains", said, word.written, 0.4)
        for value in () if field.vocabulary.is_common(word.stem) else sharing:
            hits.setdefault(value, []).append(word)
    most = max((len(said) for said in hits.values()), default=0)
    stems = {word.stem for word in asked}
    for value, said in hits.items():
        if len(said) == most:
            score = 0.4 + 0.4 * len({word.stem for word in words(value)} & stems) / len(words(value))
            yield Link(field.name, "=", value, " ".join(word.written for word in said), score)


def _prefix_links(field: Field, question: str) -> Iterator[Link]:
    """Beginnings of codes that several values share: "the I-2024 numbers"."""
    for match in _PREFIX.finditer(question):
        said = match[1].lower()
        sharing = sum(str(value).lower().startswith(said) for value in field.counts)
        if sharing > 1 and said not in (str(value).lower() for value in field.counts):
            yield Link(field.name, "contains", match[1], match[1], 0.8)


def _bool_links(field: Field, asked: Sequence[Word], named: Sequence[int], question: str) -> Iterator[Link]:
    for place, word in enumerate(asked):
        if word.start in named:
            before = {other.written.lower() for other in asked[max(0, place - 3) : place]}
            value = "false" if before & _NEGATION else "true"
            yield Link(field.name, "=", value, question[word.start : word.end], 0.8)
        elif word.stem.startswith("un") and word.stem[2:] in {stem(part) for part in field.name.split("_")}:
            yield Link(field.name, "=", "false", question[word.start : word.end], 0.8)


def _number_links(field: Field, amounts: Sequence[Comparison], named: Sequence[int], question: str) -> Iterator[Link]:
    low, high = field.min, field.max
    if not isinstance(low, float) or not isinstance(high, float):
        return
    known_units = {*_UNITS.values(), *_CURRENCIES}
    own = {
        unit
        for part in (field.unit, *field.name.split("_"))
        if (unit := _unit(part)) in known_units or part == field.unit
    } - {""}
    for amount in amounts:
        unit = _unit(amount.unit)
        if unit in known_units and own and unit not in own:
            continue
        bounds = amount.value if isinstance(amount.value, tuple) else (amount.value, amount.value)
        if amount.bare and (bounds[0] not in field.counts or not _near(amount.start, named)):
            continue
        reached = bounds[0] <= high and bounds[1] >= low
        near = _near(amount.start, named, 40)
        if not (reached or near or unit in own):
            continue
        score = 0.3 + 0.2 * reached + 0.3 * (unit in own) + 0.3 * near
        yield Link(field.name, amount.op, amount.value, question[amount.start : amount.end].strip(), min(1.0, score))


def _unit(text: str) -> str:
    return _UNITS.get(stem(text), stem(text) if text.islower() else text)


def _date_links(field: Field, times: Sequence[Period], named: Sequence[int], question: str) -> Iterator[Link]:
    low, high = field.min, field.max
    if not isinstance(low, str) or not isinstance(high, str):
        return
    years = range(int(low[:4]), int(high[:4]) + 1)
    for period in times:
        score = 0.6 + 0.4 * _near(period.start, named)
        surface = question[period.start : period.end].strip()
        reached = [days for days in in_years(period, years) if days[0] <= high and days[1] >= low[:10]]
        if period.op != "in":
            reached = list(in_years(period, years[-1:]))
        for first, last in reached if len(reached) <= _MOST_YEARS else ():
            first, last = first[: len(low)], last[: len(low)]
            match period.op:
                case "in":
                    yield Link(field.name, "in", (first, last), surface, score)
                case ">=" | "<":
                    yield Link(field.name, period.op, first, surface, score)
                case _:
                    yield Link(field.name, period.op, last, surface, score)
