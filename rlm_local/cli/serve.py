"""`rlm-local serve`: the engine for a team, behind the API that programs already speak, and a page."""

from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.age import age
from rlm_local.cli.shared import ContextOption, ModelOption, PolicyOption, PriceOption, WallsOption, shared
from rlm_local.cli.system import check_system
from rlm_local.cli.terminal import complain
from rlm_local.cli.walls import look_at_walls
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.engine.engine import Engine
    from rlm_local.engine.events import Listener
    from rlm_local.home import Home
    from rlm_local.serve.settings import Settings


def serve(
    ctx: typer.Context,
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]", exists=True, help="Folders and files that everyone may ask about."),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Read shared files as soon as they change, not only when a question needs them."),
    ] = False,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port.")] = 8321,
    model: ModelOption = None,
    context: ContextOption = None,
    policy: PolicyOption = None,
    price: PriceOption = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="Runs at the same time.")] = 4,
    queue: Annotated[int, typer.Option("--queue", min=0, help="Runs that may wait; more are refused.")] = 64,
    per_key: Annotated[
        int, typer.Option("--per-key", min=1, help="Runs that one key may have, running and waiting.")
    ] = 16,
    idle: Annotated[float, typer.Option("--idle", min=1, help="Seconds until an unused model is unloaded.")] = 900,
    grace: Annotated[float, typer.Option("--grace", min=0, help="Seconds that runs get to finish at shutdown.")] = 30,
    retention: Annotated[
        float | None,
        typer.Option(
            "--retention",
            metavar="AGE",
            parser=age,
            help="Delete runs older than this, such as 30d, and uploads that no later run has used.",
        ),
    ] = None,
    audit_texts: Annotated[
        bool,
        typer.Option(
            "--audit-texts",
            help="Write questions and names of files into the audit log in clear, not as keyed hashes. They stay there "
            "when a run is deleted.",
        ),
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", help="Another name that the server may be addressed by; may be repeated."),
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option("--tls-cert", exists=True, dir_okay=False, help="A certificate file, for https.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", exists=True, dir_okay=False, help="The certificate's key.")
    ] = None,
    require_walls: WallsOption = False,
) -> None:
    """Serve the engine to programs and browsers. Programs use OpenAI's API; a page shows runs as they happen.

    \b
    rlm-local serve examples/records
    curl http://127.0.0.1:8321/v1/chat/completions -H 'Content-Type: application/json' \\
         -d '{"messages": [{"role": "user", "content": "How many visits were cancelled?"}]}'

    By default only this machine can reach it. Any other --host needs keys: `rlm-local keys make`. Only one server at a
    time can use a state directory. Ctrl-C lets runs finish; a second Ctrl-C cancels them.
    """
    check_system()
    if find_spec("fastapi") is None:
        raise UsageError("the server needs packages that are not installed", remedy="pip install 'rlm-local[serve]'")
    from rlm_local.models import DEFAULT_MODEL, OwnModels, resolve
    from rlm_local.serve.claim import listen, only_one
    from rlm_local.serve.settings import Settings

    home = shared(ctx).home
    resolve(model or DEFAULT_MODEL, OwnModels(home.models).all())
    if (tls_certificate is None) != (tls_key is None):
        raise UsageError("TLS needs both, a certificate and its key", remedy="Give --tls-cert and --tls-key")
    settings = Settings(
        host=host,
        port=port,
        model=model or DEFAULT_MODEL,
        policy=policy,
        price=price,
        context=context,
        folders=tuple(folders or ()),
        watch=watch,
        at_once=at_once,
        queue=queue,
        per_key=per_key,
        idle_seconds=idle,
        grace_seconds=grace,
        retention_seconds=retention,
        audit_texts=audit_texts,
        hosts=tuple(allow_host or ()),
        tls_certificate=tls_certificate,
        tls_key=tls_key,
    )

    look_at_walls(shared(ctx), required=require_walls)
    with only_one(home), listen(settings) as listener:
        keys = _keys_made(home)
        if not settings.loopback and not keys:
            raise UsageError(
                f"whoever reaches {host} could ask, and there is no key",
                remedy="Make one first: `rlm-local keys make NAME`",
            )
        _greet(settings, keys)
        from rlm_local.serve.server import serve as serve_requests
        from rlm_local.serve.service import Service

        serve_requests(Service(settings, home, _make_engine(home, context)), listener)


def _keys_made(home: "Home") -> bool:
    from rlm_local.serve.keys import KeyRing
    from rlm_local.serve.state import open_state

    with closing(open_state(home)) as state:
        return KeyRing(state).any()


def _make_engine(home: "Home", context: int | None) -> "Callable[[str, Listener], Engine]":
    from rlm_local.engine.engine import Engine

    return lambda model, listener: Engine(model, home=home, listener=listener, context=context)


def _greet(settings: "Settings", keys: bool) -> None:
    """What a person needs to know, before anything is loaded."""
    shares = ", ".join(str(folder) for folder in settings.folders) or "nothing: ask over uploaded files"
    lines = (
        f"page    {settings.url}",
        f"API     {settings.url}v1",
        f"model   {settings.model}; being loaded, {settings.url}ready says when it is there",
        f"shared  {shares}",
        f"limits  {settings.at_once} runs at once, {settings.queue} waiting, {settings.per_key} of one key",
        f"keys    {'needed' if keys else 'not needed: only this machine can reach the server'}",
    )
    for line in lines:
        complain(line)
