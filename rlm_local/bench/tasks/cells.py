"""Results averaged by kind, length and policy, and as a table for other programs."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from rlm_local.bench.examples import Result, Share, share
from rlm_local.bench.tasks.kinds import read_size


@dataclass(frozen=True)
class Cell:
    """One kind and length, in tokens, under one policy."""

    kind: str
    length: int
    policy: str
    share: Share


def cells(results: Sequence[Result]) -> list[Cell]:
    """A cell for each kind, length and policy, in the order of first appearance."""
    named = dict.fromkeys((result.kind, result.policy) for result in results)
    return [_cell(*name, [result for result in results if (result.kind, result.policy) == name]) for name in named]


def to_csv(results: Sequence[Result]) -> str:
    """A line for each cell."""
    text = io.StringIO()
    names = ["kind", "length", "policy", *(field.name for field in fields(Share))]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for cell in cells(results):
        figures = {name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(cell.share).items()}
        writer.writerow({"kind": cell.kind, "length": cell.length, "policy": cell.policy, **figures})
    return text.getvalue()


def _cell(name: str, policy: str, results: Sequence[Result]) -> Cell:
    kind, length = name.split(" ")
    return Cell(kind, read_size(length), policy, share(results))
