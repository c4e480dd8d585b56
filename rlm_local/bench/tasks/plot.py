"""Score and cost against length, as a picture."""

from collections.abc import Callable, Sequence

from rlm_local.bench import plot
from rlm_local.bench.examples import Result
from rlm_local.bench.plot import Line, Panel, Point
from rlm_local.bench.tasks.cells import Cell, cells
from rlm_local.bench.tasks.kinds import size_name

_AXIS = "tokens of the documents"


def to_svg(results: Sequence[Result]) -> str:
    """Two panels over the length in tokens: the score with its interval, and the tokens of a question.

    A colour for each kind, a dash for each policy.
    """
    drawn = sorted(cells(results), key=lambda cell: cell.length)
    kinds = list(dict.fromkeys(cell.kind for cell in drawn))
    policies = list(dict.fromkeys(cell.policy for cell in drawn))
    names = dict.fromkeys((cell.kind, cell.policy) for cell in drawn)

    def lines(point: Callable[[Cell], Point]) -> list[Line]:
        return [
            Line(
                f"{kind}, {policy}",
                [point(cell) for cell in drawn if (cell.kind, cell.policy) == (kind, policy)],
                colour=kinds.index(kind),
                dash=policies.index(policy),
            )
            for kind, policy in names
        ]

    def paid(cell: Cell) -> Point:
        tokens = max(1.0, cell.share.tokens)
        return Point(cell.length, tokens, tokens, tokens)

    scored = lines(lambda cell: Point(cell.length, cell.share.score, cell.share.low, cell.share.high))
    panels = [
        Panel("score, with its 95 % interval", _AXIS, scored, shares=True),
        Panel("tokens of a question", _AXIS, lines(paid)),
    ]
    return plot.to_svg(panels, size_name)
