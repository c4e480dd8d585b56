"""The table in one run."""

from collections.abc import Callable, Sequence

from rlm_local.bench.measurement import Measurement
from rlm_local.bench.sandbox.peers import Peers
from rlm_local.bench.sandbox.rows import ROWS, Bench
from rlm_sandbox import Image


def measure(
    image: Image,
    peers: Peers,
    *,
    rows: Sequence[str],
    repeat: int,
    sessions: int,
    stopped: Callable[[], bool],
    tell: Callable[[str], None],
) -> list[Measurement]:
    """Measure the sandbox.

    Args:
        rows: names of ROWS, in the order of ROWS.
        repeat: how many times each is measured; what takes milliseconds, ten times as often.
        sessions: how many the row "soak" starts.
        stopped: asked after each row.
        tell: told what is being measured.
    """
    bench = Bench(image, peers, repeat, sessions, tell)
    measured: list[Measurement] = []
    for name, row in ROWS.items():
        if name in rows and not stopped():
            measured += row(bench)
    return measured
