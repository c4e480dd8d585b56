"""`rlm-local sandbox`: a Python file, run where model-written code runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rlm_local.cli.progress import progress
from rlm_local.cli.shared import shared
from rlm_local.cli.terminal import clean, complain
from rlm_local.errors import UsageError

_STOPPED = 3


def sandbox(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Python file.", exists=True, dir_okay=False)],
    context: Annotated[
        Path | None,
        typer.Option("--context", help="Files whose text the program sees as the variable `context`.", exists=True),
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.001, help="Most seconds.")] = 60.0,
    memory: Annotated[int, typer.Option("--memory", min=64, max=4096, help="Most megabytes of memory.")] = 1024,
) -> None:
    """Run a Python file in the sandbox. It has no network, no files, and limited time and memory.

    \b
    rlm-local sandbox count.py --context records/ --timeout 10

    Exit status: 0 if it ran to its end, 1 with a traceback on stderr if it failed, 3 if a limit stopped it.
    """
    try:
        code = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text: {error}") from error
    from rlm_local.collection import Collection
    from rlm_local.engine.events import Event
    from rlm_sandbox import Limits, Session, ensure_image

    use, text = shared(ctx), ""
    if context:
        with Collection.open([context], home=use.home, fresh=True) as collection:
            text = collection.text(0, collection.characters)
    with progress() as listener:
        image = ensure_image(use.home.image, progress=lambda what, fraction: listener(Event("setup", what, fraction)))
    with Session(image, limits=Limits(seconds=timeout, memory_bytes=memory << 20)) as session:
        if context:
            session.set_text("context", text)
        result = session.run(code)
    sys.stdout.write(clean(result.output))
    sys.stdout.flush()
    if result.error:
        sys.stderr.write(clean(result.error))
    if result.stopped:
        complain(f"stopped: {result.stopped}")
        raise typer.Exit(_STOPPED)
    raise typer.Exit(1 if result.error else 0)
