"""The table in one run."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rlm_local.bench.engine.rate import Rate
from rlm_local.bench.engine.rows import ROWS, Bench
from rlm_local.bench.measurement import Measurement
from rlm_local.home import Home
from rlm_local.models import Cancel


def measure(
    path: Path,
    name: str,
    home: Home,
    *,
    rows: Sequence[str],
    repeat: int,
    rates: bool,
    cancel: Cancel,
    tell: Callable[[str], None],
    beside: Path | None = None,
) -> tuple[list[Measurement], list[Rate]]:
    """Measure a model.

    Args:
        path: its GGUF file.
        home: where llama.cpp's library is.
        rows: names of ROWS, in the order of ROWS.
        repeat: how many times each is measured.
        rates: whether leaf calls a second by how many come together are measured too.
        cancel: ends it after the repetition that is being measured.
        tell: told what is being measured.
        beside: a folder with another build of llama.cpp, for the row `library`, which is left out without one.
    """
    measured: list[Measurement] = []
    bench = Bench(path, name, home, repeat, cancel, tell, beside)
    try:
        for row, take in ROWS.items():
            if row in rows and not cancel.stopped:
                measured += take(bench)
        return measured, bench.rates() if rates and not cancel.stopped else []
    finally:
        bench.close()
