"""Made tasks of any length: generators with exact answers, one kind a file. The same seed makes the same task."""

from rlm_local.bench.tasks.asking import ask_made
from rlm_local.bench.tasks.cells import to_csv
from rlm_local.bench.tasks.kinds import KINDS, LEAST_TOKENS, MOST_TOKENS, Spec, read_size, specs
from rlm_local.bench.tasks.labelled import read_trec
from rlm_local.bench.tasks.plot import to_svg

__all__ = [
    "KINDS",
    "LEAST_TOKENS",
    "MOST_TOKENS",
    "Spec",
    "ask_made",
    "read_size",
    "read_trec",
    "specs",
    "to_csv",
    "to_svg",
]
