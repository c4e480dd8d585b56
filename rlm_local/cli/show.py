"""A run as a person reads it: the question, what was decided and why, what ran, what it cost."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from rlm_local.cli.run import cost_line
from rlm_local.cli.terminal import clean, one_line

if TYPE_CHECKING:
    from rlm_local.log import CallBatch, NodeRecord, RunRecord, TurnRecord

_CALLS_SHOWN = 3
_OUTPUT_LINES = 40


def show_run(record: "RunRecord", console: Console) -> None:
    """Prints the whole run on a console."""
    for part in _head(record):
        console.print(part)
    children: dict[int | None, list[NodeRecord]] = {}
    for node in record.nodes:
        children.setdefault(node.parent, []).append(node)
    for node in children.get(None, []):
        console.print(_node(node, children))
    for part in _tail(record):
        console.print(part)


def _head(record: "RunRecord") -> list[ConsoleRenderable]:
    start = record.start
    limits = ", ".join(f"{value:,} {name}" for name, value in start.limits.items() if isinstance(value, int | float))
    size = f"{start.context_tokens:,} tokens in {start.documents:,} documents"
    return [
        Text(clean(start.question), style="bold"),
        Text(f"run {record.run_id} · {record.started.astimezone():%Y-%m-%d %H:%M:%S}", style="dim"),
        Text(f"{size}: {one_line(', '.join(start.sources), 200)}", style="dim"),
        Text(f"{start.model} · {start.author} · {start.policy} · at most {limits or 'anything'}", style="dim"),
    ]


def _tail(record: "RunRecord") -> list[ConsoleRenderable]:
    answer = record.answer
    if answer is None:
        return [Text("\nunfinished: the run is still going on, or its process died", style="yellow")]
    parts: list[ConsoleRenderable] = [Text(f"\n{clean(answer.answer)}", style="bold")]
    if not answer.found:
        parts.append(Text("not found in the documents", style="yellow"))
    if answer.error:
        parts.append(Text(clean(answer.error), style="red"))
    parts += [
        Text(f"{clean(place.document)}:{place.start}-{place.end}  “{one_line(place.text, 160)}”")
        for place in answer.evidence
    ]
    return [*parts, Text(f"\n{cost_line(answer)}", style="dim")]


def _node(node: "NodeRecord", children: "Mapping[int | None, list[NodeRecord]]") -> ConsoleRenderable:
    parts: list[ConsoleRenderable] = []
    if node.parent is not None:
        parts.append(Text(f"\n└ {clean(node.question)}", style="bold"))
    for number, turn in enumerate(node.turns, 1):
        parts += _turn(number, turn)
    parts += [_node(child, children) for child in children.get(node.id, [])]
    return Padding(Group(*parts), (0, 0, 0, 2 if node.parent is not None else 0))


def _turn(number: int, turn: "TurnRecord") -> list[ConsoleRenderable]:
    parts: list[ConsoleRenderable] = [Text(f"\n{number}. {_decision(turn.start.decision)}", style="cyan")]
    if turn.start.cell:
        cell = Syntax(clean(turn.start.cell), "python", theme="ansi_dark", background_color="default", word_wrap=True)
        parts.append(Padding(cell, (0, 0, 0, 3)))
    parts += [Padding(Text(line, style="magenta"), (0, 0, 0, 3)) for batch in turn.batches for line in _batch(batch)]
    end = turn.end
    if end is None:
        return [*parts, Text("   (never came to its end)", style="yellow")]
    if end.output:
        parts.append(_indented(_cut(end.output)))
    if end.error:
        parts.append(_indented(end.error, style="red"))
    if end.stopped:
        parts.append(Text(f"   stopped: {end.stopped}", style="yellow"))
    return [*parts, Text(f"   {end.seconds:.2f} s", style="dim")]


def _decision(decision: Mapping[str, Any]) -> str:
    logprobs: Mapping[str, float] = decision.get("logprobs") or {}
    likely = sorted(logprobs.items(), key=lambda option: -option[1])
    options = ", ".join(f"{name} {math.exp(logprob):.0%}" for name, logprob in likely)
    reason = decision.get("reason")
    action = str(decision.get("action", "?"))
    return one_line(f"{action}{f' ({options})' if options else ''}{f': {reason}' if reason else ''}", 300)


def _batch(batch: "CallBatch") -> list[str]:
    prompt = sum(call.prompt_tokens for call in batch.calls)
    cached = sum(call.cached_tokens for call in batch.calls)
    completion = sum(call.completion_tokens for call in batch.calls)
    tokens = f"{prompt:,} tokens in ({cached:,} kept), {completion:,} out"
    lines = [f"{len(batch.calls):,} {batch.kind} calls · {tokens} · {batch.seconds:.1f} s"]
    for call in batch.calls[:_CALLS_SHOWN]:
        asked = str(call.messages[-1].get("content", "")) if call.messages else ""
        lines.append(f"  {one_line(asked[-400:], 70)} → {one_line(_result(call.result), 60)}")
    if len(batch.calls) > _CALLS_SHOWN:
        kinds = Counter(one_line(_result(call.result), 20) for call in batch.calls)
        if len(kinds) <= 6:
            lines.append("  in all: " + ", ".join(f"{count:,} {result}" for result, count in kinds.most_common()))
        else:
            lines.append(f"  and {len(batch.calls) - _CALLS_SHOWN:,} more")
    return lines


def _result(result: Mapping[str, Any]) -> str:
    """What a call came to, whatever its kind calls it."""
    for name in ("text", "option", "choice", "value"):
        if name in result:
            return str(result[name])
    return ", ".join(f"{name}={value}" for name, value in result.items())


def _cut(text: str) -> str:
    lines = text.rstrip().split("\n")
    if len(lines) <= _OUTPUT_LINES:
        return "\n".join(lines)
    return "\n".join([*lines[:_OUTPUT_LINES], f"… and {len(lines) - _OUTPUT_LINES} lines more"])


def _indented(text: str, style: str = "") -> ConsoleRenderable:
    return Padding(Text(clean(text).rstrip(), style=style), (0, 0, 0, 3))
