"""`rlm-local runs`: what was asked before, how it was answered, all of it as JSON lines, and the end of it."""

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.age import age
from rlm_local.cli.removed import tell_removed
from rlm_local.cli.shared import JsonOption, shared
from rlm_local.cli.terminal import clean, columns, console, one_line
from rlm_local.errors import StoreError

if TYPE_CHECKING:
    from rlm_local.log import RunStore, RunSummary

app = typer.Typer(no_args_is_help=True, help="Look into the log of runs. Resume, replay, export and delete runs.")

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the start of one, or last.")]
PathsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[PATH]", help="Where its documents are now.  [default: where they were]")
]
ItsModelOption = Annotated[
    str | None, typer.Option("--model", help="The run's model, if it is a GGUF file of your own.")
]


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
def show(
    ctx: typer.Context,
    run: RunArgument,
    tree: Annotated[bool, typer.Option("--tree", help="As a tree, with the cost of each branch.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how an answer came about. It lists decisions, cells and their output, calls of the model, evidence, cost."""
    with _store(ctx) as store:
        if as_json:
            sys.stdout.write(f"[{','.join(store.export(run))}]\n")
            return
        record = store.get(run)
    from rlm_local.cli.show import show_run
    from rlm_local.cli.tree import run_tree

    if tree:
        console(sys.stdout).print(run_tree(record), soft_wrap=False)
    else:
        show_run(record, console(sys.stdout))


@app.command("diff", no_args_is_help=True)
def diff(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="A run's id, the start of one, or last.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another run of the same question.")],
) -> None:
    """Show two runs of one question side by side. Their decisions, cells, calls, answers and costs are compared."""
    from rlm_local.cli.compare import compare

    with _store(ctx) as store:
        lines = compare(store.get(first), store.get(second))
    sys.stdout.writelines(f"{line}\n" for line in lines)


@app.command("replay", no_args_is_help=True)
def replay(
    ctx: typer.Context,
    run: RunArgument,
    paths: PathsArgument = None,
    model: ItsModelOption = None,
) -> None:
    """Repeat a run from its log, without the model. Its cells run again, and what comes out is compared with the log.

    \b
    rlm-local runs replay last

    Of the model only the vocabulary is used. Exit status: 0 if all that can be repeated came out the same, 1 with the
    first difference, 2 usage.
    """
    from rlm_local.engine.records import opened
    from rlm_local.engine.replay import check_author
    from rlm_local.engine.replay import replay as replay_run
    from rlm_sandbox import ensure_image

    use = shared(ctx)
    with _store(ctx) as store:
        record = store.get(run)
    check_author(record)
    with (
        opened(paths or record.start.sources, home=use.home) as view,
        use.open_vocabulary(model or record.start.model, use.home) as count,
    ):
        done = replay_run(record, view, count, ensure_image(use.home.image))
    if done.divergence:
        sys.stdout.write(
            clean(f"{done.divergence.place}\n  logged {done.divergence.logged}\n  now    {done.divergence.now}\n")
        )
        raise typer.Exit(1)
    rest = f"; the rest was left out: {done.left_out}" if done.left_out else ""
    sys.stdout.write(f"as logged: {done.turns} turns, {done.calls} leaf calls{rest}\n")


@app.command("resume", no_args_is_help=True)
def resume(
    ctx: typer.Context,
    run: RunArgument,
    paths: PathsArgument = None,
    model: ItsModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Continue a run that was stopped. If it was killed, was cancelled or reached a limit, a new run goes on.

    \b
    rlm-local runs resume last

    Cells of the free author that had run are run again, to restore their variables, but not written again. Children
    that had finished are not run again, and answers of leaf calls are kept. Output and exit status are those of `run`.
    """
    from rlm_local.cli.interrupt import cancellable
    from rlm_local.cli.progress import progress
    from rlm_local.cli.run import finish
    from rlm_local.cli.shared import Loading, open_engine

    with _store(ctx) as store:
        record = store.get(run)
    sources = paths or record.start.sources
    with progress() as listener, open_engine(ctx, Loading(model or record.start.model), listener) as engine:
        answer = cancellable(lambda cancel: engine.resume(record, sources, cancel))
    finish(answer, as_json=as_json)


@app.command("export", no_args_is_help=True)
def export(
    ctx: typer.Context,
    run: RunArgument,
    out: Annotated[Path | None, typer.Option("--out", help="A file to write instead of stdout.")] = None,
) -> None:
    """Print everything known about a run, as JSON lines. They hold the run, its nodes, turns, calls and answer.

    This contains the question, the prompts, and parts of the documents.
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


@app.command("delete", no_args_is_help=True)
def delete(
    ctx: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids of runs, the start of one, or last.")],
    as_json: JsonOption = False,
) -> None:
    """Delete runs and everything derived from them. A report says what that was.

    \b
    rlm-local runs delete last

    Questions, prompts, passages, answers and texts from messages are overwritten. Kept answers of leaf calls and kept
    KV do not say which run they are from, so all of them are deleted; this only costs time. Training sets in the state
    directory that were made from these runs are named. A run that is going on in another process ends with an error.
    """
    from rlm_local.serve.erasure import open_erasure

    with open_erasure(shared(ctx).home) as erasure:
        removed = erasure.runs("cli", [erasure.resolve(run) for run in runs])
    tell_removed(removed, as_json=as_json)


@app.command("purge")
def purge(
    ctx: typer.Context,
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="AGE", parser=age, help="An age such as 12h, 30d or 8w.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Delete all runs older than this, as `runs delete` does. Those of a server are deleted, too.

    \b
    rlm-local runs purge --older-than 30d

    `rlm-local serve --retention 30d` does it by itself.
    """
    from rlm_local.serve.erasure import open_erasure

    with open_erasure(shared(ctx).home) as erasure:
        removed = erasure.older("cli", time.time() - older_than)
    tell_removed(removed, as_json=as_json)


def _write(lines: Iterable[str], path: Path | None) -> None:
    if path is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _store(ctx: typer.Context) -> "RunStore":
    from rlm_local.log import RunStore

    home = shared(ctx).home
    return RunStore(home.runs, home.key)


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
