"""Two runs of one question, side by side: what each decided, ran, called, answered and paid, node by node."""

from collections import defaultdict
from difflib import unified_diff
from itertools import zip_longest
from typing import TYPE_CHECKING

from rlm_local.cli.show import decision_line
from rlm_local.cli.terminal import clean, columns, one_line
from rlm_local.cli.tree import cost_of
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.log import NodeRecord, RunRecord, TurnRecord

_WIDTH = 60

Place = tuple[str, ...]
"""Where a node stands: the parts that it and those above it were given, the root's first."""


def compare(first: "RunRecord", second: "RunRecord") -> list[str]:
    """Lines for a person: the two runs in columns, then nodes of the same part, turn by turn, with the cells'
    differences; a node that only one of them has is a line.

    Raises:
        UsageError: they are of different questions.
    """
    if first.start.question != second.start.question:
        raise UsageError(
            f"runs {first.run_id} and {second.run_id} are of different questions",
            remedy="`rlm-local runs list` shows the questions",
        )
    lines = [one_line(first.start.question, 200)]
    if first.start.context_sha256 != second.start.context_sha256:
        lines.append("The documents were not the same.")
    lines += ["", *columns([("", first.run_id, second.run_id), *_rows(first, second)])]
    placed, also = _by_place(first), _by_place(second)
    for place in dict.fromkeys([*placed, *also]):
        for one, other in zip_longest(placed.get(place, ()), also.get(place, ())):
            if not place or (one and other):
                lines += _beside(place, one, other)
            else:
                run, node = (first, one) if one else (second, other)
                lines += ["", _alone(run, place, node)] if node else []
    return lines


def _by_place(run: "RunRecord") -> "dict[Place, list[NodeRecord]]":
    """The nodes by their places, in the order of the log; several may have been asked about one part."""
    placed: dict[Place, list[NodeRecord]] = defaultdict(list)
    of: dict[int | None, Place] = {None: ()}
    for node in run.nodes:
        part = (str(node.start.view["label"]),) if node.start.view else ()
        of[node.id] = (*of[node.parent], *part)
        placed[of[node.id]].append(node)
    return placed


def _beside(place: Place, one: "NodeRecord | None", other: "NodeRecord | None") -> list[str]:
    lines: list[str] = []
    for number, (turn, its) in enumerate(zip_longest(*(node.turns if node else () for node in (one, other))), 1):
        head = f"{_named(place)}turn {number}"
        lines += ["", head, *columns(_turn_rows(turn, its)), *_cells(turn, its)]
    if one and other and place:
        lines += columns([("result", _came_to(one), _came_to(other))])
    return lines


def _alone(run: "RunRecord", place: Place, node: "NodeRecord") -> str:
    decided = ", ".join(str(turn.start.decision.get("action")) for turn in node.turns)
    return f"only {run.run_id}: {_named(place)}{decided} → {_came_to(node)} · {cost_of([node])}"


def _named(place: Place) -> str:
    return "".join(f"{one_line(part, _WIDTH)}: " for part in place)


def _came_to(node: "NodeRecord") -> str:
    return one_line(str(node.result["answer"]), _WIDTH) if node.result else "never came to its end"


def _rows(first: "RunRecord", second: "RunRecord") -> list[tuple[str, str, str]]:
    one, other = _column(first), _column(second)
    return [(name, one[name], other[name]) for name in one]


def _column(run: "RunRecord") -> dict[str, str]:
    start, answer = run.start, run.answer
    usage = answer.usage if answer else None
    return {
        "model": start.model,
        "author": start.author,
        "policy": start.policy,
        "prompts": start.prompt_version,
        "answer": one_line(answer.answer, _WIDTH) if answer else "",
        "found": ("yes" if answer.found else "no") if answer else "",
        "ended": str(answer.ended) if answer else "unfinished",
        "tokens": f"{usage.prompt_tokens + usage.completion_tokens:,}" if usage else "",
        "calls": f"{usage.leaf_calls:,}" if usage else "",
        "seconds": f"{usage.seconds:.1f}" if usage else "",
    }


def _turn_rows(one: "TurnRecord | None", other: "TurnRecord | None") -> list[tuple[str, str, str]]:
    rows = zip(("decision", "calls", "output"), _turn_column(one), _turn_column(other), strict=True)
    return [(name, one_line(first, _WIDTH), one_line(second, _WIDTH)) for name, first, second in rows]


def _turn_column(turn: "TurnRecord | None") -> tuple[str, str, str]:
    if turn is None:
        return "", "", ""
    calls = ", ".join(f"{len(batch.calls):,} {batch.kind}" for batch in turn.batches)
    output = (turn.end.output or turn.end.error or "") if turn.end else "never came to its end"
    return decision_line(turn.start.decision), calls, output


def _cells(one: "TurnRecord | None", other: "TurnRecord | None") -> list[str]:
    """The second's cell as a change of the first's."""
    if one is None or other is None:
        return []
    before, after = (clean(turn.start.cell).strip("\n").split("\n") for turn in (one, other))
    changes = [*unified_diff(before, after, lineterm="", n=9)][3:]
    return changes or ["cell      the same"]
