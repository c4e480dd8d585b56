"""`rlm-local bench sandbox`: the sandbox beside Node with the same Pyodide, and beside a plain child Python."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.interrupt import CANCELLED, cancellable
from rlm_local.cli.measured import as_rows, chosen, table, write
from rlm_local.cli.progress import progress
from rlm_local.cli.shared import JsonOption, shared

if TYPE_CHECKING:
    from rlm_local.bench.measurement import Measurement
    from rlm_local.models import Cancel


def sandbox(
    ctx: typer.Context,
    row: Annotated[
        list[str] | None, typer.Option("--row", help="A row of the table; can be repeated.  [default: all]")
    ] = None,
    repeat: Annotated[int, typer.Option("--repeat", "-n", min=1, help="How many times to measure each row.")] = 5,
    sessions: Annotated[
        int, typer.Option("--sessions", min=10, help="How many sessions the row `soak` starts one after another.")
    ] = 1000,
    pyodide: Annotated[
        Path | None,
        typer.Option(
            "--pyodide", help="The folder of the npm package pyodide, to measure Node with it, too.", exists=True
        ),
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="A file for a picture (SVG).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the speed of the sandbox. It runs beside Node with the same Pyodide, and beside a plain child Python.

    \b
    rlm-local bench sandbox --row session --row call
    npm install pyodide@314.0.7; rlm-local bench sandbox --pyodide node_modules/pyodide --plot sandbox.svg

    Rows: session, start (of a process), call (of the host), memory (100 sessions), text (200 MB), rollback, speed (pure
    Python), sql (beside native SQLite), build (of the image), soak (sessions one after another). All rows take three
    minutes on two idle cores. If other programs use the machine, trust the column for processor time more. Ctrl-C ends
    after the current row, with exit status 130.
    """
    from rlm_local.bench.sandbox import ROWS, Peers, measure, to_svg
    from rlm_local.engine.events import Event
    from rlm_sandbox import ensure_image

    rows = chosen(row, ROWS)
    peers = Peers(pyodide)

    def work(cancel: "Cancel") -> "tuple[list[Measurement], bool]":
        def tell(what: str, share: float | None = None) -> None:
            listener(Event("setup", what, share))

        image = ensure_image(shared(ctx).home.image, progress=tell)
        measured = measure(
            image,
            peers,
            rows=rows,
            repeat=repeat,
            sessions=sessions,
            stopped=lambda: cancel.cancelled,
            tell=tell,
        )
        return measured, cancel.cancelled

    with progress() as listener:
        measured, cancelled = cancellable(work)
    if plot:
        write(plot, to_svg(measured))
    lines = [json.dumps({"rows": as_rows(measured)})] if as_json else table(measured)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    raise typer.Exit(CANCELLED if cancelled else 0)
