"""`rlm-local runs`: what was asked before, how it was answered, and all of it as JSON lines."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.shared import JsonOption, shared
from rlm_local.cli.terminal import columns, console, one_line
from rlm_local.errors import StoreError

if TYPE_CHECKING:
    from rlm_local.log import RunStore, RunSummary

app = typer.Typer(no_args_is_help=True, help="Look into the log of runs.")

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the start of one, or last.")]


@app.command("list")
def list_runs(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the latest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the latest runs."""
    with _store(ctx) as store:
        runs = store.list(limit)
    if as_json:
        sys.stdout.write(f"{json.dumps([_summary(run) for run in runs])}\n")
    else:
        _print_list(runs)


@app.command("show", no_args_is_help=True)
def show(ctx: typer.Context, run: RunArgument, as_json: JsonOption = False) -> None:
    """Show how an answer came about: decisions, cells, what they printed, calls of the model, evidence, cost."""
    with _store(ctx) as store:
        if as_json:
            sys.stdout.write(f"[{','.join(store.export(run))}]\n")
            return
        record = store.get(run)
    from rlm_local.cli.show import show_run

    show_run(record, console(sys.stdout))


@app.command("export", no_args_is_help=True)
def export(
    ctx: typer.Context,
    run: RunArgument,
    out: Annotated[Path | None, typer.Option("--out", help="A file to write instead of stdout.")] = None,
) -> None:
    """Print all that is known of a run as JSON lines: run, nodes, turns, calls, answer.

    Documents, questions and prompts are in it.
    """
    with _store(ctx) as store:
        lines = store.export(run)
        if out is None:
            _write(lines, None)
            return
        part = out.with_name(f".{out.name}.part")
        try:
            _write(lines, part)
            part.replace(out)
        except OSError as error:
            raise StoreError(f"{out} cannot be written: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)


def _write(lines: Iterable[str], path: Path | None) -> None:
    if path is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _store(ctx: typer.Context) -> "RunStore":
    from rlm_local.log import RunStore

    return RunStore(shared(ctx).home.runs)


def _summary(run: "RunSummary") -> dict[str, object]:
    answer = run.answer.data() if run.answer else None
    return {**asdict(run), "started": run.started.isoformat(), "answer": answer}


def _print_list(runs: "list[RunSummary]") -> None:
    rows = [("run", "started", "ended", "seconds", "question", "answer")]
    for run in runs:
        started = run.started.astimezone().strftime("%Y-%m-%d %H:%M")
        seconds = f"{run.answer.usage.seconds:.1f}" if run.answer else ""
        answer = one_line(run.answer.answer, 40) if run.answer else ""
        rows.append((run.run_id, started, run.ended, seconds, one_line(run.question, 70), answer))
    sys.stdout.writelines(f"{line}\n" for line in columns(rows, right={3}))
