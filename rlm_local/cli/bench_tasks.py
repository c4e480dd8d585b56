"""`rlm-local bench tasks`: made tasks of any length, with exact answers."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.interrupt import CANCELLED
from rlm_local.cli.measured import write
from rlm_local.cli.results import measure, table, to_json
from rlm_local.cli.shared import (
    JsonOption,
    MaxCallsOption,
    MaxTokensOption,
    ModelOption,
    PoliciesOption,
    PriceOption,
    TimeoutOption,
)
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.bench.examples import Result
    from rlm_local.bench.scoring import Task
    from rlm_local.engine.answer import Answer
    from rlm_local.engine.engine import Engine
    from rlm_local.models import Cancel


def tasks(
    ctx: typer.Context,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="A kind of task; can be repeated.  [default: all]")
    ] = None,
    tokens: Annotated[
        str, typer.Option("--tokens", help="Lengths in tokens, from 2k to 10M, as in 2k,64k,1M.")
    ] = "16k",
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many tasks of each kind and length.")] = 20,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The seed of the first task; the next one has the next.")
    ] = 0,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="TREC's train_5500.label, as lines for aggregate and pairs.", dir_okay=False),
    ] = None,
    policy: PoliciesOption = None,
    price: PriceOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A file of JSON lines for the results; those in it are not measured again."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="A file for the table, with a line for each kind and length.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="A file for a picture (SVG) of score and cost against length.")
    ] = None,
    model: ModelOption = None,
    max_tokens: MaxTokensOption = None,
    max_calls: MaxCallsOption = None,
    timeout: TimeoutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Generate tasks of any length, and score the answers. Several policies can be compared.

    \b
    rlm-local bench tasks --kind needle --tokens 64k,1M -n 20 --policy rules
    rlm-local bench tasks --kind aggregate --kind pairs --data train_5500.label --out results.jsonl --csv table.csv

    Use it to see how score and cost depend on length and policy. Kinds: needle (one number in prose), aggregate and
    pairs (labels that no line states, as in OOLONG), code (which functions mutate global state), short (a note of a
    thousand tokens); and about the records of a tool hire: count, argmax, two_hop, fields (totals, means, lists and
    more, in many wordings), semantic, not_there. The same kind, length and seed always give the same task. Ctrl-C
    prints the table of what was asked so far, with exit status 130.
    """
    from rlm_local.bench.examples import report
    from rlm_local.bench.tasks import ask_made, read_trec, specs, to_csv, to_svg

    policies = policy or ["rules", "direct"]
    made = specs(read_kinds(kind), read_lengths(tokens), range(seed, seed + number), read_trec(data) if data else None)

    def ask_them(engine: "Engine", cancel: "Cancel", known: "list[Result]") -> "Iterator[Result]":
        def ask(documents: Mapping[str, str], task: "Task", policy: str) -> "Answer":
            return engine.ask(
                task.question,
                documents,
                policy=policy,
                price=price,
                max_tokens=max_tokens,
                max_calls=max_calls,
                timeout=timeout,
                task_id=task.id,
                cancel=cancel,
            )

        return ask_made(made, ask, policies, known)

    results, cancelled = measure(ctx, model, out, len(made) * len(policies), ask_them)
    rows = report(results)
    if csv:
        write(csv, to_csv(results))
    if plot:
        write(plot, to_svg(results))
    lines = [to_json(rows, results)] if as_json else table(rows)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    raise typer.Exit(CANCELLED if cancelled else 0)


def read_kinds(given: list[str] | None) -> list[str]:
    from rlm_local.bench.tasks import KINDS

    for kind in given or ():
        if kind not in KINDS:
            raise UsageError(f"there is no kind {kind!r}", remedy=f"There are {', '.join(KINDS)}")
    return given or list(KINDS)


def read_lengths(text: str) -> list[int]:
    """The lengths in a list such as 2k,64k,1M."""
    from rlm_local.bench.tasks import LEAST_TOKENS, MOST_TOKENS, read_size

    lengths = {part: read_size(part) for part in text.split(",")}
    for part, length in lengths.items():
        if not LEAST_TOKENS <= length <= MOST_TOKENS:
            raise UsageError(f"{part!r} is no length in tokens", remedy="Give some from 2k to 10M, as in 2k,64k,1M")
    return list(lengths.values())
