"""`rlm-local bench engine`: the engine's speed beside llama.cpp's own."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.interrupt import CANCELLED, cancellable
from rlm_local.cli.measured import as_rows, chosen, table, write
from rlm_local.cli.progress import progress
from rlm_local.cli.shared import JsonOption, ModelOption, shared
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.bench.engine import Rate
    from rlm_local.bench.measurement import Measurement
    from rlm_local.models import Cancel


def engine(
    ctx: typer.Context,
    row: Annotated[
        list[str] | None, typer.Option("--row", help="A row of the table; can be repeated.  [default: all]")
    ] = None,
    repeat: Annotated[int, typer.Option("--repeat", "-n", min=1, help="How many times to measure each row.")] = 3,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="A file for a picture (SVG): leaf calls per second against how many run at once."),
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option("--beside", metavar="FOLDER", help="Another build of llama.cpp to compare with.", exists=True),
    ] = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the speed of the engine. It runs beside llama.cpp itself and beside its high-level Python API.

    \b
    rlm-local bench engine --plot rates.svg
    rlm-local bench engine --row choices --row cancel -n 5 --json
    rlm-local bench engine --row library --beside ~/llama.cpp/build/bin

    Use it to see what the engine costs on this machine, or which of two builds of llama.cpp is faster. Rows: memory,
    choices (64 with a shared prefix), boundary (the same in a process of its own), library (the same with the build
    that --beside names), replies (16 and 32), cancel, decision (while a map runs), restart, same (whether repeated
    calls agree). Ratios are taken within one repetition; if other programs use the machine, trust the column for
    processor time more. All rows take a quarter of an hour with the default model on two cores. Ctrl-C ends after the
    current repetition, with exit status 130.
    """
    from rlm_local.bench.engine import ROWS, measure, to_svg
    from rlm_local.engine.events import Event
    from rlm_local.models import DEFAULT_MODEL, OwnModels, ensure_model, resolve
    from rlm_local.models.native import VARIABLE, library, prepare

    if beside and VARIABLE in os.environ:
        raise UsageError(f"{VARIABLE} names one library for all processes", remedy="Unset it")
    rows = chosen(row, ROWS)
    spec = resolve(model or DEFAULT_MODEL, OwnModels(shared(ctx).home.models).all())

    def work(cancel: "Cancel") -> "tuple[list[Measurement], list[Rate], bool]":
        def tell(what: str, share: float | None = None) -> None:
            listener(Event("setup", what, share))

        home = shared(ctx).home
        prepare(home, tell)
        path = ensure_model(spec, home.models, progress=tell)
        measured, rates = measure(
            path,
            spec.name,
            home,
            rows=rows,
            repeat=repeat,
            rates=plot is not None,
            cancel=cancel,
            tell=tell,
            beside=beside,
        )
        return measured, rates, cancel.cancelled

    with progress() as listener:
        measured, rates, cancelled = cancellable(work)
    if plot and rates:
        write(plot, to_svg(spec.name, rates))
    if as_json:
        told = {"model": spec.name, "library": str(library()), "rows": as_rows(measured)}
        lines = [json.dumps({**told, "rates": [asdict(rate) for rate in rates]})]
    else:
        lines = [f"{spec.name} on llama.cpp: {library()}", "", *table(measured)]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    raise typer.Exit(CANCELLED if cancelled else 0)
