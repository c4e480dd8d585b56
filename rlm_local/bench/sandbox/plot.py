"""How long until the first result, and how fast pure Python is, as a picture."""

from collections.abc import Sequence

from rlm_local.bench import plot
from rlm_local.bench.measurement import Measurement
from rlm_local.bench.plot import Bar, Bars
from rlm_local.bench.sandbox.rows import BESIDE

_MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def to_svg(measured: Sequence[Measurement]) -> str:
    """Bars for the medians, with their spread: times on one logarithmic scale, ratios on another. What is there to be
    compared with has a colour of its own."""
    times = [_bar(each, _MILLISECONDS[each.unit]) for each in measured if each.unit in _MILLISECONDS]
    ratios = [_bar(each, 1.0) for each in measured if each.unit == "x" and each.by_processor]
    panels = [Bars("milliseconds", times), Bars("times as long", ratios)]
    return plot.to_bars([panel for panel in panels if panel.bars])


def _bar(each: Measurement, scale: float) -> Bar:
    values = [scale * value for value in each.values]
    return Bar(each.name, scale * each.middle, min(values), max(values), int(each.name.startswith(BESIDE)))
