"""What a sample says of all rows: a number, and between which it lies 19 times of 20.

Rows are drawn without replacement, so intervals narrow to nothing as the sample comes near to all. Shares have the
exact interval, from the hypergeometric distribution: it holds for few rows and for shares near 0 and 1. A sum over rows
of known weight is drawn by strata of about the same weight each; the heaviest rows are all looked at. A mean of values
that trail off to one side has more room there (Johnson, JASA 73, 1978, 536-544).
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Z = 1.96
"""Half the width of an interval, in standard deviations."""
_TAIL = 0.025
"""How likely the truth is to lie on either side of an exact one, at most."""
_STRATA = 8
_IN_STRATUM = 12  # rows drawn in each, or it says little


@dataclass(frozen=True)
class Estimate:
    """`value`, most likely between `low` and `high`, from `sampled` of `rows` rows."""

    value: float
    low: float
    high: float
    sampled: int
    rows: int


@dataclass(frozen=True)
class Stratum:
    """Rows that are alike: the numbers of all, and of those drawn from them."""

    rows: Sequence[int]
    drawn: Sequence[int]


def shuffled(rows: Sequence[int], seed: int) -> list[int]:
    """The rows in an order that has to do with nothing, the same each time."""
    return random.Random(seed).sample(rows, len(rows))  # noqa: S311 - nothing is secret


def draw(rows: int, size: int, weights: Sequence[float] | None, seed: int) -> list[Stratum]:
    """Choose `size` of the rows 0, 1, ... to look at; with weights (what each row can add to a sum) by strata. Rows of
    no weight are in none. Without weights, a smaller sample is the beginning of a larger one."""
    if weights is None:
        return [Stratum(range(rows), shuffled(range(rows), seed)[:size])]
    generator = random.Random(seed)  # noqa: S311 - nothing is secret; the same question draws the same
    left = sorted((row for row in range(rows) if weights[row]), key=lambda row: -abs(weights[row]))
    room, whole, weight = size, 0, sum(abs(weights[row]) for row in left)
    while whole < len(left) and room and abs(weights[left[whole]]) * room >= weight:
        weight -= abs(weights[left[whole]])
        room -= 1
        whole += 1
    strata = [Stratum(left[:whole], left[:whole])] if whole else []
    most = max(1, min(_STRATA, room // _IN_STRATUM))
    signs = ([row for row in left[whole:] if sign * weights[row] > 0] for sign in (1, -1))
    for part in (part for rows_ in signs for part in _parts(rows_, weights, most)):
        count = min(len(part), room * sum(abs(weights[row]) for row in part) // weight) if weight else len(part)
        strata.append(Stratum(part, generator.sample(part, max(min(2, len(part)), int(count)))))
    return strata


def _parts(rows: Sequence[int], weights: Sequence[float], count: int) -> list[list[int]]:
    """Cut the rows where about the same weight is on either side."""
    share = sum(abs(weights[row]) for row in rows) / count
    parts: list[list[int]] = [[]]
    done = 0.0
    for row in rows:
        if parts[-1] and done >= share * len(parts):
            parts.append([])
        parts[-1].append(row)
        done += abs(weights[row])
    return [part for part in parts if part]


def share(holds: int, sampled: int, rows: int) -> Estimate:
    """The share of all rows for which something holds, where it does for `holds` of `sampled` rows."""
    unseen = rows - sampled
    low = _least_count(lambda count: _at_most(sampled - holds, sampled, rows - count, rows), holds, holds + unseen)
    high = rows - _least_count(
        lambda count: _at_most(holds, sampled, rows - count, rows), sampled - holds, sampled - holds + unseen
    )
    value = holds / sampled  # with all but a few rows seen, the interval is narrower than what the value is off
    return Estimate(value, min(value, low / rows), max(value, high / rows), sampled, rows)


def _least_count(chance: Callable[[int], float], low: int, high: int) -> int:
    """The least count whose chance is not too small; it grows with the count."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if chance(middle) > _TAIL else (middle + 1, high)
    return low


def _at_most(most: int, sampled: int, holds: int, rows: int) -> float:
    """How likely at most so many of the sampled rows are among those of all for which something holds."""
    logs = [
        _log_ways(holds, count) + _log_ways(rows - holds, sampled - count)
        for count in range(max(0, sampled - rows + holds), min(most, holds) + 1)
    ]
    whole = _log_ways(rows, sampled)
    return math.fsum(math.exp(each - whole) for each in logs)


def _log_ways(of: int, some: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(some + 1) - math.lgamma(of - some + 1)


def total(
    strata: Sequence[Stratum], values: Mapping[int, float], weights: Sequence[float] | None, rows: int
) -> Estimate:
    """The sum over all rows of what a row adds: its value among `values`, for each row drawn."""
    sampled = sum(len(stratum.drawn) for stratum in strata)
    if weights is None and all(value in (0, 1) for value in values.values()):
        part = share(int(sum(values.values())), sampled, rows)
        return Estimate(part.value * rows, part.low * rows, part.high * rows, sampled, rows)
    value = variance = 0.0
    for stratum in strata:
        size, count = len(stratum.rows), len(stratum.drawn)
        drawn = {row: values[row] for row in stratum.drawn}
        part, spread = _of_stratum(stratum, drawn, weights)
        value += part
        variance += size * (size - count) / count * spread
    width = (Z + 6 / sampled) * math.sqrt(variance)
    return Estimate(value, value - width, value + width, sampled, rows)


def _of_stratum(stratum: Stratum, drawn: Mapping[int, float], weights: Sequence[float] | None) -> tuple[float, float]:
    """The sum of a stratum, and the variance of what a row adds beyond what its weight lets expect."""
    size, count, added = len(stratum.rows), len(drawn), math.fsum(drawn.values())
    if weights is None or size == count:
        return size * added / count, _variance([*drawn.values()])
    whole, seen = (math.fsum(weights[row] for row in each) for each in (stratum.rows, drawn))
    rate = added / seen
    left = [value - rate * weights[row] for row, value in drawn.items()]
    # A few rows that all say yes do not say that all rows do.
    share_ = (sum(map(bool, drawn.values())) + 1) / (count + 2)
    square = math.fsum(weights[row] ** 2 for row in stratum.rows) / size
    return whole * rate, max(_variance(left), share_ * (1 - share_) * square)


def mean(values: Sequence[float], sampled: int, rows: int) -> Estimate | None:
    """The mean over the rows that count, from the values of those among the sampled; None where they are too few."""
    if len(values) == sampled and all(value in (0, 1) for value in values):
        return share(int(sum(values)), sampled, rows)
    if len(values) < _IN_STRATUM and sampled < rows:
        return None
    count, value = len(values), math.fsum(values) / len(values)
    deviation = math.sqrt(_variance(values))
    error = deviation / math.sqrt(count) * math.sqrt(1 - sampled / rows)
    skew = math.fsum((each - value) ** 3 for each in values) / count / deviation**3 if deviation else 0.0
    tail = skew / (6 * math.sqrt(count)) * (1 + 2 * Z * Z)
    least = Z + 3 / count  # Student's, near enough: for few values, the normal interval is too narrow
    low, high = value - error * (least - min(0.0, tail)), value + error * (least + max(0.0, tail))
    return Estimate(value, low, high, sampled, rows)


def _variance(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    middle = math.fsum(values) / len(values)
    return math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)
