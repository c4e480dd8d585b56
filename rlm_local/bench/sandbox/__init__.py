"""The sandbox's speed beside Node with the same Pyodide, and beside a plain child Python, in one run."""

from rlm_local.bench.sandbox.measure import measure
from rlm_local.bench.sandbox.peers import Peers
from rlm_local.bench.sandbox.plot import to_svg
from rlm_local.bench.sandbox.rows import ROWS

__all__ = ["ROWS", "Peers", "measure", "to_svg"]
