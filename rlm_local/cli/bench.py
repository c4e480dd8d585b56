"""`rlm-local bench`: how good the answers are, and how fast, measured."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli import bench_engine, bench_sandbox, bench_tasks
from rlm_local.cli.interrupt import CANCELLED
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
from rlm_local.cli.terminal import one_line
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.bench.examples import Result
    from rlm_local.bench.scoring import Task
    from rlm_local.engine.answer import Answer
    from rlm_local.engine.engine import Engine
    from rlm_local.models import Cancel

app = typer.Typer(no_args_is_help=True, help="Measure how good the answers are, and how fast.")
app.command("tasks")(bench_tasks.tasks)
app.command("engine")(bench_engine.engine)
app.command("sandbox")(bench_sandbox.sandbox)


@app.callback()
def bench() -> None:
    """Measure how good the answers are, and how fast."""


@app.command("examples")
def examples(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Option("--examples", help="A folder with questions.jsonl and the records that it asks about.")
    ] = Path("examples"),
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only questions of this kind; can be repeated.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first few of each kind.")] = None,
    policy: PoliciesOption = None,
    price: PriceOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A file of JSON lines for the results; those in it are not measured again."),
    ] = None,
    model: ModelOption = None,
    max_tokens: MaxTokensOption = None,
    max_calls: MaxCallsOption = None,
    timeout: TimeoutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask questions with known answers, and score the answers. Several policies can be compared.

    \b
    rlm-local bench examples --kind count
    rlm-local bench examples --examples ../my-records --out results.jsonl

    Use it to compare models or policies, or to measure how good the answers about your own records are. The policy
    `direct` is the baseline: the same model, given as much of the text as its window holds. Ctrl-C prints the table of
    what was asked so far, with exit status 130.
    """
    tasks, policies = _tasks(directory, kind, limit), policy or ["rules", "direct"]

    def ask_them(engine: "Engine", cancel: "Cancel", known: "list[Result]") -> "Iterator[Result]":
        from rlm_local.bench.examples import ask_all

        def ask(task: "Task", policy: str) -> "Answer":
            return engine.ask(
                task.question,
                task.paths,
                policy=policy,
                price=price,
                max_tokens=max_tokens,
                max_calls=max_calls,
                timeout=timeout,
                task_id=task.id,
                cancel=cancel,
            )

        return ask_all(tasks, ask, policies, known)

    results, cancelled = measure(ctx, model, out, len(tasks) * len(policies), ask_them)
    _print(results, as_json=as_json)
    raise typer.Exit(CANCELLED if cancelled else 0)


def _tasks(directory: Path, chosen: list[str] | None, limit: int | None) -> "list[Task]":
    from rlm_local.bench.scoring import load_tasks

    questions = directory / "questions.jsonl"
    if not questions.is_file():
        raise UsageError(f"there is no {questions}", remedy="Name the folder of the examples with --examples")
    tasks = load_tasks(questions)
    kinds = list(dict.fromkeys(task.kind for task in tasks))
    for kind in chosen or ():
        if kind not in kinds:
            raise UsageError(f"no question is of the kind {kind!r}", remedy=f"There are {', '.join(kinds)}")
    return [task for name in chosen or kinds for task in [task for task in tasks if task.kind == name][:limit]]


def _print(results: "list[Result]", *, as_json: bool) -> None:
    from rlm_local.bench.examples import report

    rows = report(results)
    if as_json:
        sys.stdout.write(f"{to_json(rows, results)}\n")
        return
    lines = table(rows)
    for result in results:
        if result.policy != "direct" and result.score < 1:
            given = result.error or result.answer or "nothing"
            lines += ["", f"{result.id}  {one_line(result.question, 200)}"]
            lines += [f"  expected {one_line(result.expected, 120)}; given {one_line(given, 160)}"]
    sys.stdout.writelines(f"{line}\n" for line in lines)
