"""Questions over all lines of a labelled collection, as OOLONG asks them: labels have to be judged line by line."""

from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from rlm_local.bench.tasks.labelled import FIRST_DAY, LABELS, LAST_DAY, Row, Texts, document, make_rows
from rlm_local.bench.tasks.made import Made, drawn

_T = TypeVar("_T")
_ALL = ", ".join(LABELS.values())
_SAYS = f"Each line of questions.txt is a question that belongs to one of these labels: {_ALL}."
_SHORT_NAMES = {"DESC": ("description", "abstract concept"), "HUM": ("human",), "NUM": ("numeric", "number")}


def make(length: float, rng: Random, texts: Texts | None) -> Made:
    """Rows of some tokens, and one of nine questions. A question with two best answers, or none, is drawn again."""
    rows = make_rows(length, rng, texts)
    return drawn(lambda: rng.choice(_QUESTIONS)(rows, rng))


def every_question(rows: list[Row], rng: Random) -> dict[str, Made]:
    """One of each of the nine questions about the same rows, by name; without those that have no single answer."""
    asked = {question.__name__.strip("_"): question(rows, rng) for question in _QUESTIONS}
    return {name: made for name, made in asked.items() if made}


def _most_common(rows: list[Row], rng: Random) -> Made | None:
    word, sign = rng.choice((("most", 1), ("least", -1)))
    counts = Counter(row.label for row in rows)
    label = _only([(label, sign * counts[label]) for label in LABELS])
    return (
        None if label is None else _label(rows, f"Which of these labels is the {word} common among the lines?", label)
    )


def _compared(rows: list[Row], rng: Random) -> Made:
    first, second = rng.sample(tuple(LABELS), 2)
    counts = Counter(row.label for row in rows)
    ahead = counts[first] - counts[second]
    wordings = ("more common", "less common", "equally common")
    answer = wordings[0 if ahead > 0 else 1 if ahead < 0 else 2]
    question = (
        f"{_SAYS} Is the label {LABELS[first]} more common, less common or equally common in comparison with the label "
        f"{LABELS[second]}? Reply with one of: {', '.join(wordings)}."
    )
    return Made(document(rows), question, "text", answer, against=tuple(w for w in wordings if w != answer))


def _count(rows: list[Row], rng: Random) -> Made | None:
    return _counted(rows, rows, "", rng)


def _count_in_month(rows: list[Row], rng: Random) -> Made | None:
    day = rng.choice(rows).day
    last = day.replace(day=monthrange(day.year, day.month)[1])
    return _counted(rows, _between(rows, day.replace(day=1), last), f" in {day:%B %Y}", rng)


def _count_in_range(rows: list[Row], rng: Random) -> Made | None:
    first = FIRST_DAY + timedelta(rng.randrange((LAST_DAY - FIRST_DAY).days - 90))
    last = first + timedelta(rng.randrange(30, 90))
    return _counted(
        rows, _between(rows, first, last), f" from {first:%b %d, %Y} to {last:%b %d, %Y}, both included", rng
    )


def _count_of_users(rows: list[Row], rng: Random) -> Made | None:
    users = rng.sample(sorted({row.user for row in rows}), 3)
    chosen = [row for row in rows if row.user in users]
    return _counted(rows, chosen, f" of the users {', '.join(map(str, users))}", rng)


def _busiest_user(rows: list[Row], _rng: Random) -> Made | None:
    user = _only(Counter(row.user for row in rows).items())
    return None if user is None else _user(rows, "Which user has the most lines?", user)


def _busiest_day(rows: list[Row], _rng: Random) -> Made | None:
    day = _only(Counter(row.day for row in rows).items())
    if day is None:
        return None
    accept = (day.isoformat(), f"{day:%B} {day.day}, {day.year}", f"{day:%b} {day.day}, {day.year}")
    return Made(document(rows), "On which date are there the most lines?", "text", f"{day:%b %d, %Y}", accept)


def _user_of_label(rows: list[Row], rng: Random) -> Made | None:
    label = rng.choice(tuple(LABELS))
    user = _only(Counter(row.user for row in rows if row.label == label).items())
    question = f"{_SAYS} Which user has the most lines with the label {LABELS[label]}?"
    return None if user is None else _user(rows, question, user)


_QUESTIONS: tuple[Callable[[list[Row], Random], Made | None], ...] = (
    _most_common, _compared, _count, _count_in_month, _count_in_range, _count_of_users, _busiest_user, _busiest_day,
    _user_of_label,
)  # fmt: skip


def _counted(rows: list[Row], chosen: list[Row], where: str, rng: Random) -> Made | None:
    """How many of the chosen rows have a label: one that some of them have."""
    label = rng.choice(sorted({row.label for row in chosen})) if chosen else None
    if label is None:
        return None
    question = f"{_SAYS} How many of the lines{where} have the label {LABELS[label]}?"
    return Made(document(rows), question, "near", sum(row.label == label for row in chosen))


def _user(rows: list[Row], question: str, user: int) -> Made:
    return Made(document(rows), f"{question} Give the user's number.", "text", str(user))


def _label(rows: list[Row], question: str, label: str) -> Made:
    others = tuple(name for key, name in LABELS.items() if key != label)
    return Made(document(rows), f"{_SAYS} {question}", "text", LABELS[label], _SHORT_NAMES.get(label, ()), others)


def _between(rows: list[Row], first: date, last: date) -> list[Row]:
    return [row for row in rows if first <= row.day <= last]


def _only(counts: Iterable[tuple[_T, int]]) -> _T | None:
    """The one with the highest count, or None where there is none or several share it."""
    (first, most), (_, next_most), *_ = *sorted(counts, key=lambda pair: -pair[1]), (None, 0), (None, 0)
    return first if most > next_most else None
