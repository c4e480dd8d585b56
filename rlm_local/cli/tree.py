"""A run as a tree: nodes, what each decided and how surely, what it called, and what every branch cost."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from rlm_local.cli.show import decision_line
from rlm_local.cli.terminal import clean, one_line

if TYPE_CHECKING:
    from rlm_local.log import CallBatch, NodeRecord, RunRecord, TurnRecord


def run_tree(record: "RunRecord") -> Tree:
    """The tree of a run; leaf calls and the tokens that they evaluated and generated stand beside each branch."""
    children: dict[int | None, list[NodeRecord]] = {}
    for node in record.nodes:
        children.setdefault(node.parent, []).append(node)
    tree = Tree(Text(f"run {record.run_id}: {cost_of(record.nodes)}", style="bold"))
    for node in children.get(None, []):
        _add_node(tree, node, children)
    return tree


def _add_node(tree: Tree, node: "NodeRecord", children: "Mapping[int | None, list[NodeRecord]]") -> None:
    branch = _branch(node, children)
    part = f"{one_line(node.start.view['label'], 80)}: " if node.start.view else ""
    added = tree.add(Text(f"{part}{one_line(node.question, 200)} · {cost_of(branch)}", style="bold"))
    for number, turn in enumerate(node.turns, 1):
        _add_turn(added, number, turn)
    for child in children.get(node.id, []):
        _add_node(added, child, children)
    if node.result:
        how = "" if node.result["ended"] == "answered" else f" ({node.result['ended']})"
        added.add(Text(f"= {one_line(node.result['answer'], 120)}{how}", style="green"))


def _add_turn(tree: Tree, number: int, turn: "TurnRecord") -> None:
    added = tree.add(Text(f"{number}. {decision_line(turn.start.decision)}", style="cyan"))
    cell = turn.start.cell.strip("\n")
    if cell:
        added.add(Text(clean(cell)))
    for batch in turn.batches:
        added.add(Text(f"{batch.kind}: {_cost([batch])} · {batch.seconds:.1f} s", style="magenta"))
    if turn.end is None:
        added.add(Text("never came to its end", style="yellow"))
    elif turn.end.stopped or turn.end.error:
        added.add(Text(f"failed: {turn.end.stopped or _last_line(turn.end.error or '')}", style="red"))
    else:
        added.add(Text(f"→ {one_line(turn.end.output, 120) or 'nothing printed'}", style="dim"))


def _branch(node: "NodeRecord", children: "Mapping[int | None, list[NodeRecord]]") -> "list[NodeRecord]":
    return [node, *(below for child in children.get(node.id, []) for below in _branch(child, children))]


def cost_of(nodes: "Sequence[NodeRecord]") -> str:
    """Leaf calls of some nodes, and the tokens that they evaluated and generated."""
    return _cost([batch for node in nodes for turn in node.turns for batch in turn.batches])


def _cost(batches: "Sequence[CallBatch]") -> str:
    calls = [call for batch in batches for call in batch.calls]
    tokens = sum(call.prompt_tokens - call.cached_tokens + call.completion_tokens for call in calls)
    return f"{len(calls):,} leaf calls, {tokens:,} tokens"


def _last_line(text: str) -> str:
    return one_line(text.strip().rpartition("\n")[2], 120)
