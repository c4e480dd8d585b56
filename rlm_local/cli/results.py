"""The results of a benchmark: asked for one by one, kept in a file that is gone on with, shown as a table."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rlm_local.cli.interrupt import cancellable
from rlm_local.cli.progress import progress
from rlm_local.cli.shared import Loading, open_engine, shared
from rlm_local.cli.terminal import columns, one_line
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.bench.examples import Result, Row, Share
    from rlm_local.engine.engine import Engine
    from rlm_local.log.lines import LineFile
    from rlm_local.models import Cancel

AskAll = Callable[["Engine", "Cancel", "list[Result]"], "Iterator[Result]"]
"""Asks an engine, until cancelled, for all results but those that are known, and gives all of them."""


def measure(
    ctx: typer.Context, model: str | None, out: Path | None, total: int, ask_all: AskAll
) -> "tuple[list[Result], bool]":
    """The results up to the end or Ctrl-C, each in the file `out` before the next is asked; and whether it was Ctrl-C.

    Answers of leaf calls are not taken from an earlier run, nor kept: what they cost is measured.

    Raises:
        UsageError: the file is none of results.
    """
    results: list[Result] = []
    use = shared(ctx)
    ctx.obj = replace(use, home=replace(use.home, leaf_cache=False))

    def ask_until_cancelled(cancel: "Cancel") -> bool:
        for result in ask_all(engine, cancel, known):
            if cancel.cancelled:
                return True
            results.append(result)
            if file and result not in known:
                file.append(result.data())
            listener.note(f"{result.id} {result.policy}: {result.score:.2f}  {one_line(result.answer, 60)}")
            listener.count(len(results), total)
        return cancel.cancelled

    with _results_file(out) as file:
        known = _known(file)
        with progress() as listener, open_engine(ctx, Loading(model), listener) as engine:
            cancelled = cancellable(ask_until_cancelled)
    return results, cancelled


def to_json(rows: "list[Row]", results: "list[Result]") -> str:
    """The table and what it was made from, for programs."""
    return json.dumps({"rows": [asdict(row) for row in rows], "results": [result.data() for result in results]})


def table(rows: "list[Row]") -> list[str]:
    """A line for each kind of question and policy; the spread of their cost is told beside the mean."""
    head = ("kind", "policy", "n", "right", "95 %", "tokens", "p95/median", "calls", "seconds")
    lines = [head, *((row.kind, row.policy, str(row.share.n), *_cells(row.share)) for row in rows)]
    return columns(lines, right=range(2, len(head)))


def _results_file(path: Path | None) -> "AbstractContextManager[LineFile | None]":
    from rlm_local.log.lines import LineFile

    return LineFile(path) if path else nullcontext()


def _known(file: "LineFile | None") -> "list[Result]":
    from rlm_local.bench.examples import Result

    try:
        return [Result(**row) for row in file.rows] if file else []
    except TypeError as error:
        raise UsageError(f"{file and file.path} is not a file of results: {error}") from error


def _cells(share: "Share") -> tuple[str, ...]:
    interval = f"{100 * share.low:.0f}-{100 * share.high:.0f}"
    spread = f"{share.tokens_p95 / max(1, share.tokens_median):.1f}"
    return f"{share.score:.0%}", interval, f"{share.tokens:,.0f}", spread, f"{share.calls:,.1f}", f"{share.seconds:.1f}"
