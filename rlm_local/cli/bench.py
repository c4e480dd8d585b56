"""`rlm-local bench`: how good the answers are, measured."""

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.interrupt import CANCELLED, cancellable
from rlm_local.cli.progress import progress
from rlm_local.cli.shared import JsonOption, MaxCallsOption, MaxTokensOption, ModelOption, TimeoutOption, open_engine
from rlm_local.cli.terminal import columns, one_line
from rlm_local.errors import UsageError
from rlm_local.log.lines import LineFile

if TYPE_CHECKING:
    from rlm_local.bench.examples import Policy, Result, Row, Share
    from rlm_local.bench.scoring import Task
    from rlm_local.engine.answer import Answer
    from rlm_local.models import Cancel

app = typer.Typer(no_args_is_help=True, help="Measure how good the answers are.")


@app.callback()
def bench() -> None:
    """Measure how good the answers are."""


@app.command("examples")
def examples(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Option("--examples", help="A folder with questions.jsonl and what it asks about.")
    ] = Path("examples"),
    kind: Annotated[str | None, typer.Option("--kind", help="Only questions of this kind.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first so many of each kind.")] = None,
    direct: Annotated[
        bool, typer.Option("--direct/--no-direct", help="Ask the model directly too, the text cut to its window.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option("--out", help="A file of JSON lines for the results; gone on with where it exists.")
    ] = None,
    model: ModelOption = None,
    max_tokens: MaxTokensOption = None,
    max_calls: MaxCallsOption = None,
    timeout: TimeoutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask every question of the examples and score the answers.

    \b
    rlm-local bench examples --kind count
    rlm-local bench examples --examples ../my-records --out results.jsonl

    The same model asked directly, with the text cut to its window, is the column to compare with. Ctrl-C ends with the
    table of what was asked so far, and with exit status 130.
    """
    tasks = _tasks(directory, kind, limit)
    results: list[Result] = []

    def ask_until_cancelled(cancel: "Cancel") -> None:
        from rlm_local.bench.examples import ask_all

        def ask(task: "Task", policy: "Policy") -> "Answer":
            return engine.ask(
                task.question,
                task.paths,
                policy=policy,
                max_tokens=max_tokens,
                max_calls=max_calls,
                timeout=timeout,
                task_id=task.id,
                cancel=cancel,
            )

        total = len(tasks) * (1 + direct)
        for result in ask_all(tasks, ask, direct=direct, known=known):
            if cancel.cancelled:
                return
            results.append(result)
            if file and result not in known:
                file.append(result.data())
            listener.note(f"{result.id} {result.policy}: {result.score:.2f}  {one_line(result.answer, 60)}")
            listener.count(len(results), total)

    with _results_file(out) as file:
        known = _known(file)
        with progress() as listener, open_engine(ctx, model, listener) as engine:
            cancelled = cancellable(lambda cancel: (ask_until_cancelled(cancel), cancel.cancelled)[1])
    _print(results, as_json=as_json)
    raise typer.Exit(CANCELLED if cancelled else 0)


def _tasks(directory: Path, kind: str | None, limit: int | None) -> "list[Task]":
    from rlm_local.bench.scoring import load_tasks

    questions = directory / "questions.jsonl"
    if not questions.is_file():
        raise UsageError(f"there is no {questions}", remedy="Name the folder of the examples with --examples")
    tasks = load_tasks(questions)
    kinds = list(dict.fromkeys(task.kind for task in tasks))
    if kind is not None and kind not in kinds:
        raise UsageError(f"no question is of the kind {kind!r}", remedy=f"There are {', '.join(kinds)}")
    chosen = [kind] if kind else kinds
    return [task for name in chosen for task in [task for task in tasks if task.kind == name][:limit]]


def _results_file(path: Path | None) -> AbstractContextManager[LineFile | None]:
    return LineFile(path) if path else nullcontext()


def _known(file: LineFile | None) -> "list[Result]":
    from rlm_local.bench.examples import Result

    try:
        return [Result(**row) for row in file.rows] if file else []
    except TypeError as error:
        raise UsageError(f"{file and file.path} is not a file of results: {error}") from error


def _print(results: "list[Result]", *, as_json: bool) -> None:
    from rlm_local.bench.examples import report

    rows = report(results)
    if as_json:
        data = {"rows": [asdict(row) for row in rows], "results": [result.data() for result in results]}
        sys.stdout.write(f"{json.dumps(data)}\n")
        return
    lines = _table(rows)
    for result in results:
        if result.policy == "rules" and result.score < 1:
            given = result.error or result.answer or "nothing"
            lines += ["", f"{result.id}  {one_line(result.question, 200)}"]
            lines += [f"  expected {one_line(result.expected, 120)}; given {one_line(given, 160)}"]
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _table(rows: "list[Row]") -> list[str]:
    lines: list[tuple[str, ...]] = [
        ("kind", "n", "right", "95 %", "tokens", "seconds", "direct", "95 %", "tokens", "seconds")
    ]
    for row in rows:
        direct = _cells(row.direct) if row.direct else ("",) * 4
        lines.append((row.kind, str(row.engine.n), *_cells(row.engine), *direct))
    return columns(lines, right=range(1, len(lines[0])))


def _cells(share: "Share") -> tuple[str, str, str, str]:
    interval = f"{100 * share.low:.0f}-{100 * share.high:.0f}"
    return f"{share.score:.0%}", interval, f"{share.tokens:,.0f}", f"{share.seconds:.1f}"
