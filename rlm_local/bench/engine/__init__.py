"""The engine's speed beside llama.cpp's own, measured side by side in one run."""

from rlm_local.bench.engine.measure import measure
from rlm_local.bench.engine.plot import to_svg
from rlm_local.bench.engine.rate import Rate
from rlm_local.bench.engine.rows import ROWS
from rlm_local.bench.measurement import Measurement

__all__ = ["ROWS", "Measurement", "Rate", "measure", "to_svg"]
