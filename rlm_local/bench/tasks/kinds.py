"""The kinds of tasks, and how one is named: what, how long, which seed."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

from rlm_local.bench.scoring import Task
from rlm_local.bench.tasks import aggregate, code, fields, hires, needle, pairs, records, short
from rlm_local.bench.tasks.labelled import Texts
from rlm_local.bench.tasks.made import Made

LEAST_TOKENS, MOST_TOKENS = 2_000, 10_000_000


@dataclass(frozen=True)
class Kind:
    """A kind of task. `make` takes a length in tokens, a source of chance, and the texts of labelled lines, if any.

    Lengths are in tokens of Qwen 2.5's vocabulary, measured once for each sort of text: a task is the same whatever
    model is asked. Asked for a length outside of least and most, the nearest is made.
    """

    make: Callable[[int, Random, Texts | None], Made]
    least: int = LEAST_TOKENS
    most: int = MOST_TOKENS
    labelled: bool = False


def _characters(per_token: float, make: Callable[[int, Random], Made]) -> Callable[[int, Random, Texts | None], Made]:
    return lambda tokens, rng, _texts: make(round(tokens * per_token), rng)


def _records(ask: records.Ask) -> Kind:
    return Kind(_characters(hires.CHARACTERS_PER_TOKEN, partial(records.make, ask=ask)))


KINDS: Mapping[str, Kind] = {
    "needle": Kind(_characters(needle.CHARACTERS_PER_TOKEN, needle.make)),
    "aggregate": Kind(aggregate.make, labelled=True),
    "pairs": Kind(pairs.make, most=128_000, labelled=True),  # beyond, nearly every pair meets every condition
    "code": Kind(_characters(code.CHARACTERS_PER_TOKEN, code.make)),
    "count": _records(records.count),
    "argmax": _records(records.argmax),
    "two_hop": _records(records.two_hop),
    "fields": _records(fields.ask),
    "semantic": _records(records.semantic),
    "not_there": _records(records.not_there),
    "short": Kind(_characters(short.CHARACTERS_PER_TOKEN, short.make), least=500, most=1_000),
}


@dataclass(frozen=True)
class Spec:
    """One task before it is made. The same spec makes the same task."""

    kind: str
    tokens: int
    seed: int
    texts: Texts | None = None
    """Of labelled lines; None where the kind has none, or makes them."""

    @property
    def cell(self) -> str:
        """Kind and length: what is averaged over."""
        return f"{self.kind}{'-data' if self.texts else ''} {size_name(self.tokens)}"

    @property
    def id(self) -> str:
        return f"{self.cell} {self.seed}"

    def make(self) -> tuple[Task, Mapping[str, str]]:
        """The task, whose `kind` is the cell, and the documents (name: text) to ask it of."""
        made = KINDS[self.kind].make(self.tokens, Random(self.id), self.texts)  # noqa: S311  (it is to be repeated)
        return made.task(self.id, self.cell), made.documents


def specs(kinds: Iterable[str], lengths: Iterable[int], seeds: range, texts: Texts | None = None) -> list[Spec]:
    """A task for every kind, length and seed, each once, the short ones first; `texts` are for labelled lines."""
    fitting = (
        (kind, min(max(tokens, KINDS[kind].least), KINDS[kind].most)) for tokens in sorted(lengths) for kind in kinds
    )
    return [
        Spec(kind, tokens, seed, texts if KINDS[kind].labelled else None)
        for kind, tokens in dict.fromkeys(fitting)
        for seed in seeds
    ]


_UNITS = {"M": 1_000_000, "k": 1_000, "": 1}


def size_name(tokens: int) -> str:
    """64000 as 64k, 10000000 as 10M."""
    return next(f"{tokens // unit}{name}" for name, unit in _UNITS.items() if tokens % unit == 0)


def read_size(text: str) -> int:
    """64k as 64000; 0 for what is no size."""
    match = re.fullmatch(r"\s*(\d+)([kM]?)\s*", text)
    return int(match[1]) * _UNITS[match[2]] if match else 0
