"""Score and cost against length, as a picture: SVG, without any library."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from rlm_local.bench.examples import Result
from rlm_local.bench.tasks.cells import Cell, cells
from rlm_local.bench.tasks.kinds import size_name

_COLOURS = "#4269d0 #efb118 #ff725c #6cc5b0 #3ca951 #ff8ab7 #a463f2 #97bbf5 #9c6b4e #9498a0".split()
_WIDTH, _HEIGHT, _GAP, _LEGEND = 420, 260, 70, 170
_TOP = 30
_FONT = 'font-family="sans-serif" font-size="11"'
_DASHES = ("", "4 3", "1 3", "8 3", "8 3 2 3", "2 2", "12 4")


def to_svg(results: Sequence[Result]) -> str:
    """Two panels over the length in tokens: the score with its interval, and the tokens of a question.

    A colour for each kind, a dash for each policy.
    """
    drawn = cells(results)
    lengths = [cell.length for cell in drawn]
    costs = [max(1.0, cell.tokens) for cell in drawn]
    width = 2 * (_WIDTH + _GAP) + _LEGEND
    x = _Axis(_floor(min(lengths, default=1)), _ceiling(max(lengths, default=10)), 0, _WIDTH)
    y = _Axis(_floor(min(costs, default=1)), _ceiling(max(costs, default=10)), _HEIGHT, 0)
    lines: dict[tuple[str, str], list[Cell]] = {}
    for cell in drawn:
        lines.setdefault((cell.kind, cell.policy), []).append(cell)
    colours = {kind: _COLOURS[n % len(_COLOURS)] for n, kind in enumerate(dict.fromkeys(kind for kind, _ in lines))}
    policies = dict.fromkeys(policy for _, policy in lines)
    dashes = {policy: _DASHES[n % len(_DASHES)] for n, policy in enumerate(policies)}
    styles = {(kind, policy): f'stroke="{colours[kind]}" stroke-dasharray="{dashes[policy]}"' for kind, policy in lines}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT + 2 * _TOP + 20}" {_FONT}>',
        '<rect width="100%" height="100%" fill="white"/>',
        *_panel(0, "score, with its 95 % interval", x, [(f"{n / 4:.0%}", _HEIGHT * (1 - n / 4)) for n in range(5)]),
        *_panel(1, "tokens of a question", x, [(f"{10**n:,}", y.at(10**n)) for n in y.powers]),
    ]
    for (kind, policy), line in lines.items():
        line.sort(key=lambda cell: cell.length)
        style = styles[kind, policy]
        scored = [(x.at(cell.length), _HEIGHT * (1 - cell.score)) for cell in line]
        paid = [(x.at(cell.length), y.at(max(1.0, cell.tokens))) for cell in line]
        parts += [_line(0, scored, style), _line(1, paid, style)]
        parts += [
            f'<path {_place(0)} d="M{x.at(cell.length):.1f} {_HEIGHT * (1 - cell.low):.1f}'
            f'V{_HEIGHT * (1 - cell.high):.1f}" {style} stroke-opacity="0.4"/>'
            for cell in line
        ]
    for number, (kind, policy) in enumerate(lines):
        at, left = _TOP + 16 * number, 2 * (_WIDTH + _GAP)
        parts.append(f'<path d="M{left} {at}h24" {styles[kind, policy]} stroke-width="2"/>')
        parts.append(f'<text x="{left + 30}" y="{at + 4}">{escape(f"{kind}, {policy}")}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Axis:
    """From values to places, by logarithm."""

    def __init__(self, low: int, high: int, start: float, end: float) -> None:
        self.powers = range(low, high + 1)
        self._start, self._step = start, (end - start) / (high - low)

    def at(self, value: float) -> float:
        return self._start + (math.log10(value) - self.powers[0]) * self._step


def _floor(value: float) -> int:
    return math.floor(math.log10(value))


def _ceiling(value: float) -> int:
    """The power of ten above a value."""
    return _floor(value) + 1


def _place(panel: int) -> str:
    return f'transform="translate({_GAP - 10 + panel * (_WIDTH + _GAP)} {_TOP})" fill="none"'


def _panel(number: int, title: str, x: _Axis, ticks: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield f'<g transform="translate({_GAP - 10 + number * (_WIDTH + _GAP)} {_TOP})">'
    yield f'<text y="-10" font-weight="bold">{title}</text>'
    for text, at in ticks:
        yield f'<path d="M0 {at:.1f}h{_WIDTH}" stroke="#ddd"/>'
        yield f'<text x="-6" y="{at + 4:.1f}" text-anchor="end">{text}</text>'
    for power in x.powers:
        yield f'<path d="M{x.at(10**power):.1f} 0v{_HEIGHT}" stroke="#ddd"/>'
        yield f'<text x="{x.at(10**power):.1f}" y="{_HEIGHT + 16}" text-anchor="middle">{size_name(10**power)}</text>'
    yield f'<text x="{_WIDTH / 2}" y="{_HEIGHT + 34}" text-anchor="middle">tokens of the documents</text></g>'


def _line(panel: int, points: Sequence[tuple[float, float]], style: str) -> str:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dots = "".join(f"M{x - 2:.1f} {y:.1f}h4m-2 -2v4" for x, y in points)
    return f'<path {_place(panel)} d="{path}" {style} stroke-width="1.5"/>\n<path {_place(panel)} d="{dots}" {style}/>'
