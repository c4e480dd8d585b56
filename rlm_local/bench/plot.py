"""Pictures of measurements: lines over a common axis, or bars, in panels; as SVG, without any library."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

_COLOURS = "#4269d0 #efb118 #ff725c #6cc5b0 #3ca951 #ff8ab7 #a463f2 #97bbf5 #9c6b4e #9498a0".split()
_DASHES = ("", "4 3", "1 3", "8 3", "8 3 2 3", "2 2", "12 4")
_WIDTH, _HEIGHT, _GAP, _LEGEND = 420, 260, 70, 170
_TOP = 30
_NAMES, _LINE = 330, 19  # of bars: the width of their names, the height of each
_FONT = 'font-family="sans-serif" font-size="11"'


@dataclass(frozen=True)
class Point:
    """A value at a place on the axis; `low` and `high` are drawn as its spread where they differ."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """Points under a name. Lines of the same colour, or the same dash, belong together."""

    name: str
    points: Sequence[Point]
    colour: int = 0
    dash: int = 0


@dataclass(frozen=True)
class Panel:
    """Lines over an axis that is logarithmic, as is their own scale unless they are shares from 0 to 1."""

    title: str
    axis: str
    lines: Sequence[Line]
    shares: bool = False


@dataclass(frozen=True)
class Bar:
    """A value under a name; from `low` to `high` is its spread. Bars of the same colour belong together."""

    name: str
    value: float
    low: float
    high: float
    colour: int = 0


@dataclass(frozen=True)
class Bars:
    """Bars under one another, over a logarithmic axis."""

    title: str
    bars: Sequence[Bar]


def to_svg(panels: Sequence[Panel], name_of: Callable[[int], str] = "{:,}".format) -> str:
    """The panels side by side, and a legend of the lines of the first; `name_of` writes the places on the axis."""
    width = len(panels) * (_WIDTH + _GAP) + _LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT + 2 * _TOP + 20}" {_FONT}>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({_GAP - 10 + number * (_WIDTH + _GAP)} {_TOP})">']
        parts += [*_panel(panel, name_of), "</g>"]
    for number, line in enumerate(panels[0].lines):
        at, left = _TOP + 16 * number, len(panels) * (_WIDTH + _GAP)
        parts.append(f'<path d="M{left} {at}h24" {_style(line)} stroke-width="2"/>')
        parts.append(f'<text x="{left + 30}" y="{at + 4}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def to_bars(panels: Sequence[Bars]) -> str:
    """The panels under one another, a name before each bar and its value behind it."""
    heights = [_TOP + _LINE * len(panel.bars) + _TOP for panel in panels]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_NAMES + _WIDTH + _GAP} {sum(heights)}" {_FONT}>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({_NAMES} {sum(heights[:number]) + _TOP})">', *_bars(panel), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Powers:
    """From values to places, by logarithm, with all of some values between two powers of ten."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low = math.floor(math.log10(min(values, default=1)))
        high = math.floor(math.log10(max(values, default=1))) + 1
        self.ticks = [10**power if power >= 0 else 10.0**power for power in range(low, high + 1)]
        self._low, self._start, self._step = low, start, (end - start) / (high - low)

    def at(self, value: float) -> float:
        return self._start + (math.log10(value) - self._low) * self._step


class _Shares:
    """From shares to places."""

    ticks = (0, 0.25, 0.5, 0.75, 1)

    def at(self, value: float) -> float:
        return _HEIGHT * (1 - value)


def _panel(panel: Panel, name_of: Callable[[int], str]) -> Iterator[str]:
    points = [point for line in panel.lines for point in line.points]
    x = _Powers([point.x for point in points], 0, _WIDTH)
    y = _Shares() if panel.shares else _Powers([v for p in points for v in (p.low, p.high)], _HEIGHT, 0)
    yield f'<text y="-10" font-weight="bold">{escape(panel.title)}</text>'
    for tick in y.ticks:
        yield f'<path d="M0 {y.at(tick):.1f}h{_WIDTH}" stroke="#ddd"/>'
        text = f"{tick:.0%}" if panel.shares else f"{tick:,}"
        yield f'<text x="-6" y="{y.at(tick) + 4:.1f}" text-anchor="end">{text}</text>'
    for tick in x.ticks:
        yield f'<path d="M{x.at(tick):.1f} 0v{_HEIGHT}" stroke="#ddd"/>'
        yield f'<text x="{x.at(tick):.1f}" y="{_HEIGHT + 16}" text-anchor="middle">{name_of(int(tick))}</text>'
    yield f'<text x="{_WIDTH / 2}" y="{_HEIGHT + 34}" text-anchor="middle">{escape(panel.axis)}</text>'
    for line in panel.lines:
        places = [(x.at(point.x), y.at(point.y)) for point in line.points]
        path = "M" + "L".join(f"{left:.1f} {top:.1f}" for left, top in places)
        dots = "".join(f"M{left - 2:.1f} {top:.1f}h4m-2 -2v4" for left, top in places)
        spread = "".join(
            f"M{x.at(point.x):.1f} {y.at(point.low):.1f}V{y.at(point.high):.1f}"
            for point in line.points
            if point.low != point.high
        )
        yield f'<path d="{path}" {_style(line)} stroke-width="1.5"/>'
        yield f'<path d="{dots}" {_style(line)}/>'
        if spread:
            yield f'<path d="{spread}" {_style(line)} stroke-opacity="0.4"/>'


def _bars(panel: Bars) -> Iterator[str]:
    x = _Powers([value for bar in panel.bars for value in (bar.low, bar.high)], 0, _WIDTH)
    bottom = _LINE * len(panel.bars)
    yield f'<text y="-10" font-weight="bold">{escape(panel.title)}</text>'
    for tick in x.ticks:
        yield f'<path d="M{x.at(tick):.1f} 0v{bottom}" stroke="#ddd"/>'
        yield f'<text x="{x.at(tick):.1f}" y="{bottom + 14}" text-anchor="middle">{tick:,}</text>'
    for number, bar in enumerate(panel.bars):
        top, end = _LINE * number + 4, x.at(bar.value)
        colour = _COLOURS[bar.colour % len(_COLOURS)]
        yield f'<text x="-6" y="{top + 10}" text-anchor="end">{escape(bar.name)}</text>'
        yield f'<rect y="{top}" width="{end:.1f}" height="{_LINE - 6}" fill="{colour}"/>'
        yield f'<path d="M{x.at(bar.low):.1f} {top + 6.5}H{x.at(bar.high):.1f}" stroke="#000" stroke-opacity="0.5"/>'
        value = f"{bar.value:,.0f}" if bar.value >= 100 else f"{bar.value:.2g}"
        yield f'<text x="{max(end, x.at(bar.high)) + 4:.1f}" y="{top + 10}">{value}</text>'


def _style(line: Line) -> str:
    dash = _DASHES[line.dash % len(_DASHES)]
    return f'fill="none" stroke="{_COLOURS[line.colour % len(_COLOURS)]}"' + f' stroke-dasharray="{dash}"' * bool(dash)
