"""What the fields of records say, asked for in many wordings: numbers, totals, means, lists, single values, the most.

Many wordings and few values is what a policy is trained on; the kinds beside this one have one wording or two each.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

from rlm_local.bench.tasks.hires import Hire, Records
from rlm_local.bench.tasks.made import Made
from rlm_local.bench.tasks.records import conditions

_MOST_LISTED = 12

_NUMBER = (
    "What is the number of hires {where}?",
    "Count the hires {where}.",
    "Hires {where}: how many are on record?",
    "Give me the count of all hires {where}.",
)
_TOTAL = (
    "What is the total {what} of the hires {where}?",
    "Add up the {what} of the hires {where}.",
    "What {what} do the hires {where} come to altogether?",
    "Taken together, what is the {what} of all hires {where}?",
)
_MEAN = (
    "What is the average {what} of the hires {where}?",
    "What {what} do the hires {where} have on average?",
    "What is the mean {what} of a hire {where}?",
    "On average, what is the {what} of the hires {where}?",
)
_SINGLE = (
    "What is the {what} of hire {id}?",
    "Which {what} does hire {id} have?",
    "Tell me the {what} of the hire {id}.",
    "Hire {id}: what is its {what}?",
)
_LIST = (
    "List every {what} that has hires {where}.",
    "For which {what} are there hires {where}? Name all.",
    "Name each {what} of the hires {where}.",
    "Give me all {what} names with hires {where}.",
)
_MOST = (
    "Which {what} comes up most often in the hires {where}?",
    "What is the most common {what} among the hires {where}?",
    "Of the hires {where}, which {what} has the most?",
    "Name the {what} with the largest number of hires {where}.",
)
_DEAREST = (
    "Which {what} has the highest total price of hires {where}?",
    "Which {what} took the most money, by total price, for hires {where}?",
)


def ask(records: Records, rng: Random) -> Made | None:
    """A question of one of the sorts, in one of its wordings, under one or two conditions."""
    sort = rng.choice((_number, _total, _mean, _single, _list, _most))
    return sort(records, rng)


def _number(records: Records, rng: Random) -> Made:
    hires, where = conditions(records, rng, rng.randint(1, 2))
    return _made(records, rng.choice(_NUMBER).format(where=where), len(hires))


def _total(records: Records, rng: Random) -> Made:
    hires, where = conditions(records, rng, rng.randint(1, 2))
    what = rng.choice(("price", "days"))
    return _made(records, rng.choice(_TOTAL).format(what=what, where=where), sum(_numbers(hires, what)))


def _mean(records: Records, rng: Random) -> Made:
    hires, where = conditions(records, rng, rng.randint(1, 2))
    what = rng.choice(("price", "days"))
    return _made(records, rng.choice(_MEAN).format(what=what, where=where), sum(_numbers(hires, what)) / len(hires))


def _single(records: Records, rng: Random) -> Made:
    hire = rng.choice(records.hires)
    what = rng.choice(("price", "days", "status", "tool", "branch"))
    return _made(records, rng.choice(_SINGLE).format(what=what, id=hire.id), getattr(hire, what))


def _list(records: Records, rng: Random) -> Made | None:
    what = rng.choice(("branch", "tool"))
    hires, where = conditions(records, rng, rng.randint(1, 2), without=what)
    names = tuple(sorted({_name(hire, what) for hire in hires}))
    wording = rng.choice(_LIST).format(what=what, where=where)
    return _made(records, wording, names) if 1 < len(names) <= _MOST_LISTED else None


def _most(records: Records, rng: Random) -> Made | None:
    what = rng.choice(("branch", "tool"))
    hires, where = conditions(records, rng, 1, without=what)
    wordings, weigh = rng.choice(((_MOST, _one), (_DEAREST, _price)))
    return _first(records, rng.choice(wordings).format(what=what, where=where), hires, what, weigh)


def _first(
    records: Records, question: str, hires: Sequence[Hire], what: str, weigh: Callable[[Hire], int]
) -> Made | None:
    """Which group weighs most, if one alone does."""
    weights = Counter[str]()
    for hire in hires:
        weights[_name(hire, what)] += weigh(hire)
    best, *rest = weights.most_common()
    if not rest or rest[0][1] == best[1]:
        return None
    return Made(records.documents(), question, "text", best[0], against=tuple(name for name, _ in rest))


def _made(records: Records, question: str, answer: str | float | tuple[str, ...]) -> Made:
    scorer = "set" if isinstance(answer, tuple) else "text" if isinstance(answer, str) else "number"
    return Made(records.documents(), question, scorer, answer)


def _one(_hire: Hire) -> int:
    return 1


def _price(hire: Hire) -> int:
    return hire.price


def _name(hire: Hire, what: str) -> str:
    return hire.branch if what == "branch" else hire.tool


def _numbers(hires: Sequence[Hire], what: str) -> list[int]:
    return [hire.price if what == "price" else hire.days for hire in hires]
