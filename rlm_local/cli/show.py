"""A run as a person reads it: the question, what was decided and why, what ran, what it cost."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from rlm_local.cli.run import cost_line, place_line
from rlm_local.cli.terminal import clean, one_line

if TYPE_CHECKING:
    from rlm_local.log import CallBatch, NodeRecord, RunRecord, RunStart, TurnRecord

_CALLS_SHOWN = 3
_OUTPUT_LINES = 40
_INDENT = 3
_PYTHON = Syntax("", "python", theme="ansi_dark", background_color="default")


def show_run(record: "RunRecord", console: Console) -> None:
    """Prints the whole run on a console."""
    children: dict[int | None, list[NodeRecord]] = {}
    for node in record.nodes:
        children.setdefault(node.parent, []).append(node)
    tree = [part for node in children.get(None, []) for part in _node(node, children)]
    for part in [*_head(record), *tree, *_tail(record)]:
        console.print(part)


def _head(record: "RunRecord") -> list[Text]:
    start = record.start
    limits = ", ".join(f"{value:,} {name}" for name, value in start.limits.items() if value is not None)
    length = f" · length {start.length}" if start.length else ""
    size = f"{start.context_tokens:,} tokens in {start.documents:,} documents"
    return [
        Text(clean(start.question), style="bold"),
        *_conversation(start),
        Text(f"run {record.run_id} · {record.started.astimezone():%Y-%m-%d %H:%M:%S}", style="dim"),
        Text(f"{size}: {one_line(', '.join(start.sources), 200)}", style="dim"),
        Text(f"{start.model} · {start.author} · {start.policy} · at most {limits or 'anything'}{length}", style="dim"),
    ]


def _conversation(start: "RunStart") -> list[Text]:
    """What it follows, and what a follow-up was before it was made a question of its own."""
    parts = [f"understood so from “{one_line(start.said, 200)}”"] if start.said != start.question else []
    parts += [f"follows run {start.follows}"] if start.follows else []
    return [Text(" · ".join(parts), style="dim")] if parts else []


def _tail(record: "RunRecord") -> list[Text]:
    answer = record.answer
    if answer is None:
        return [Text("\nunfinished: the run is still going on, or its process died", style="yellow")]
    parts = [Text(f"\n{clean(answer.answer)}", style="bold")]
    if not answer.found:
        parts.append(Text("not found in the documents", style="yellow"))
    if answer.error:
        parts.append(Text(clean(answer.error), style="red"))
    parts += [Text(f"[{number}] {place_line(place, 160)}") for number, place in enumerate(answer.evidence, 1)]
    return [*parts, Text(f"\n{cost_line(answer)}", style="dim")]


def _node(node: "NodeRecord", children: "Mapping[int | None, list[NodeRecord]]") -> list[Text]:
    parts = [part for number, turn in enumerate(node.turns, 1) for part in _turn(number, turn)]
    parts += [part for child in children.get(node.id, []) for part in _node(child, children)]
    if node.parent is None:
        return parts
    return [Text(f"\n└ {clean(node.question)}", style="bold"), *(_indented(part) for part in parts)]


def _turn(number: int, turn: "TurnRecord") -> list[Text]:
    parts: list[Text] = []
    if turn.start.thought:
        parts.append(Text(f"(thought: {_cut(clean(turn.start.thought))})", style="dim"))
    if turn.start.cell:
        parts.append(_PYTHON.highlight(clean(turn.start.cell).strip("\n")))
    parts += [Text(line, style="magenta") for batch in turn.batches for line in _batch(batch)]
    end = turn.end
    if end is None:
        parts.append(Text("(never came to its end)", style="yellow"))
    else:
        if end.output:
            parts.append(Text(_cut(clean(end.output))))
        if end.error:
            parts.append(Text(clean(end.error).rstrip(), style="red"))
        parts.append(Text(f"stopped: {end.stopped}" if end.stopped else f"{end.seconds:.2f} s", style="dim"))
    head = Text(f"\n{number}. {decision_line(turn.start.decision)}", style="cyan")
    return [head, *(_indented(part) for part in parts)]


def decision_line(decision: Mapping[str, Any]) -> str:
    """What was decided, how likely each option was, and why, on one line."""
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


def _indented(text: Text) -> Text:
    text.rstrip()
    return Text("\n").join(Text(" " * _INDENT if line else "") + line for line in text.split("\n"))
