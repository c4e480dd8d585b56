"""OOLONG-Pairs: every pair of users whose lines meet a condition (Zhang et al., arXiv 2512.24601, appendix)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from random import Random

from rlm_local.bench.tasks.labelled import LABELS, Row, Texts, document, make_rows
from rlm_local.bench.tasks.made import Made, drawn

MOST_USERS = 120
"""So that there are at most 7,140 pairs: the answer can still be written."""


@dataclass(frozen=True)
class Has:
    """How many lines of a label a user has: at least `least` and at most `most`."""

    label: str
    least: int = 1
    most: int | None = None

    def met(self, counts: Counter[str]) -> bool:
        return self.least <= counts[self.label] and (self.most is None or counts[self.label] <= self.most)

    def __str__(self) -> str:
        name = LABELS[self.label]
        if self.most == self.least:
            return f"exactly {self.least} line with the label {name}".replace("2 line", "2 lines")
        return f"at least {self.least} line{'s' * (self.least > 1)} with the label {name}"


@dataclass(frozen=True)
class Dated:
    """All lines of a label are on one side of a day, the day itself excluded."""

    label: str
    after: bool
    day: date


@dataclass(frozen=True)
class Condition:
    """Symmetric: each has a line of `either` label. Asymmetric: one user has all of `one`, the other all of `other`."""

    either: tuple[str, str] | None = None
    dated: Dated | None = None
    one: tuple[Has, ...] = ()
    other: tuple[Has, ...] = ()

    def pairs(self, rows: Iterable[Row]) -> list[tuple[int, int]]:
        """The pairs of users that meet it, the lower number first, in order."""
        of = defaultdict[int, list[Row]](list)
        for row in rows:
            of[row.user].append(row)
        counts = {user: Counter(row.label for row in own) for user, own in of.items()}
        if self.either:
            fit = [user for user in sorted(of) if self._fits(of[user])]
            return list(combinations(fit, 2))
        one = {user for user in of if all(has.met(counts[user]) for has in self.one)}
        other = {user for user in of if all(has.met(counts[user]) for has in self.other)}
        return [
            (a, b)
            for a, b in combinations(sorted(one | other), 2)
            if (a in one and b in other) or (b in one and a in other)
        ]

    def _fits(self, rows: Sequence[Row]) -> bool:
        dated = self.dated
        if dated and any(
            not (row.day > dated.day if dated.after else row.day < dated.day)
            for row in rows
            if row.label == dated.label
        ):
            return False
        return any(row.label in (self.either or ()) for row in rows)

    def __str__(self) -> str:
        if not self.either:
            one, other = (" and ".join(map(str, each)) for each in (self.one, self.other))
            return f"one user has {one}, and the other user has {other}"
        first, second = (LABELS[label] for label in self.either)
        text = f"both users have at least one line with the label {first} or {second}"
        if not self.dated:
            return text
        side = "after" if self.dated.after else "before"
        name = LABELS[self.dated.label]
        return f"{text}, and all lines with the label {name} of both users are {side} {self.dated.day:%B %d, %Y}"


def _both(first: str, second: str, dated: Dated | None = None) -> Condition:
    return Condition(either=(first, second), dated=dated)


def _one_other(one: tuple[Has, ...], other: tuple[Has, ...]) -> Condition:
    return Condition(one=one, other=other)


def _once(label: str) -> Has:
    return Has(label, 1, 1)


CONDITIONS: tuple[Condition, ...] = (
    _both("NUM", "LOC"),
    _both("ENTY", "HUM"),
    _both("DESC", "ABBR"),
    _both("HUM", "LOC", Dated("HUM", True, date(2023, 1, 6))),
    _both("ENTY", "NUM", Dated("ENTY", False, date(2023, 3, 15))),
    _both("LOC", "ABBR"),
    _both("DESC", "NUM", Dated("NUM", True, date(2023, 2, 1))),
    _both("HUM", "DESC"),
    _both("ENTY", "LOC", Dated("LOC", True, date(2023, 4, 10))),
    _both("NUM", "ABBR", Dated("ABBR", False, date(2023, 5, 20))),
    _one_other((Has("ENTY"), Has("ABBR")), (_once("ENTY"),)),
    _one_other((Has("NUM", 2),), (Has("LOC"), Has("HUM"))),
    _one_other((_once("DESC"),), (Has("ABBR"), Has("ENTY"))),
    _one_other((Has("HUM"), Has("NUM")), (Has("LOC", 2, 2),)),
    _one_other((Has("ENTY"), Has("LOC"), Has("ABBR")), (_once("NUM"),)),
    _one_other((Has("DESC"), Has("HUM")), (Has("ENTY", 2), _once("ABBR"))),
    _one_other((_once("NUM"),), (Has("LOC"), Has("DESC"))),
    _one_other((Has("ABBR"), _once("HUM")), (Has("ENTY"), Has("NUM"))),
    _one_other((Has("LOC", 2), Has("ENTY")), (_once("DESC"), _once("ABBR"))),
    _one_other((Has("NUM"), Has("HUM")), (Has("LOC"), Has("ENTY"), _once("ABBR"))),
)  # fmt: skip


def make(length: float, rng: Random, texts: Texts | None) -> Made:
    """Rows of some tokens, and one of the twenty conditions that some pair meets: saying nothing is no answer."""
    rows = make_rows(length, rng, texts, MOST_USERS)
    return drawn(lambda: asked(rows, rng.choice(CONDITIONS)))


def asked(rows: list[Row], condition: Condition) -> Made | None:
    """The question for a condition, None where no pair meets it."""
    question = (
        f"Each line of questions.txt is a question that belongs to one of these labels: {', '.join(LABELS.values())}. "
        f"List all pairs of user numbers such that {condition}. Write each pair once as (lower number, higher number)."
    )
    answer = tuple(f"({a}, {b})" for a, b in condition.pairs(rows))
    return Made(document(rows), question, "pairs", answer) if answer else None
