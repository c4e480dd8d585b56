"""Leaf calls a second against how many come together, as a picture."""

import statistics
from collections.abc import Sequence

from rlm_local.bench import plot
from rlm_local.bench.engine.rate import Rate
from rlm_local.bench.plot import Line, Panel, Point


def to_svg(name: str, rates: Sequence[Rate]) -> str:
    """One panel, with the medians and their spread, for a model of that name."""
    points = [
        Point(rate.together, statistics.median(rate.values), min(rate.values), max(rate.values)) for rate in rates
    ]
    return plot.to_svg([Panel("leaf calls a second", "calls together", [Line(name, points)])])
