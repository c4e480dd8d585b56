"""`rlm-local keys`: who may use the server."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.shared import JsonOption, shared
from rlm_local.cli.terminal import columns, complain
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.serve.audit import AuditLog
    from rlm_local.serve.keys import Key, KeyRing

app = typer.Typer(no_args_is_help=True, help="Keys of the server: make, list, revoke.")


@app.command("make", no_args_is_help=True)
def make(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is; the audit log uses this name.")],
    scopes: Annotated[
        str, typer.Option("--scopes", help="What it allows: ask, read (look into one's own runs), admin (everything).")
    ] = "ask,read",
) -> None:
    """Make a key and print it, once: only its hash is kept.

    \b
    rlm-local keys make alice
    rlm-local keys make prometheus --scopes admin

    A running server knows the key at once. As soon as there is one key, every request needs one.
    """
    from rlm_local.serve.keys import Scope

    try:
        granted = [Scope(scope.strip()) for scope in scopes.split(",")]
    except ValueError as error:
        raise UsageError(f"{scopes!r} are not scopes", remedy=f"There are {', '.join(Scope)}") from error
    with _keys(ctx) as (keys, audit):
        audit.record("cli", "make key", key=name, scopes=sorted(granted))
        key, text = keys.make(name, granted)
    complain(f"the key of {key.name}, for {', '.join(sorted(key.scopes))}; it cannot be shown again")
    sys.stdout.write(f"{text}\n")


@app.command("list")
def list_keys(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the keys, without their secrets."""
    with _keys(ctx) as (keys, _):
        known = keys.list()
    if as_json:
        sys.stdout.write(f"{json.dumps([_data(key) for key in known])}\n")
        return
    rows = [("id", "name", "scopes", "made", "revoked")]
    for key in known:
        revoked = _time(key.revoked) if key.revoked else ""
        rows.append((key.id, key.name, ",".join(sorted(key.scopes)), _time(key.made), revoked))
    sys.stdout.writelines(f"{line}\n" for line in columns(rows))


@app.command("revoke", no_args_is_help=True)
def revoke(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="A key's name or id.")]
) -> None:
    """Revoke a key: from the next request on it is refused."""
    with _keys(ctx) as (keys, audit):
        audit.record("cli", "revoke key", key=name)
        key = keys.revoke(name)
    complain(f"the key of {key.name} is revoked")


@contextmanager
def _keys(ctx: typer.Context) -> "Generator[tuple[KeyRing, AuditLog]]":
    from rlm_local.serve.audit import AuditLog
    from rlm_local.serve.keys import KeyRing
    from rlm_local.serve.state import open_state

    home = shared(ctx).home
    state = open_state(home)
    try:
        yield KeyRing(state), AuditLog.of(home)
    finally:
        state.close()


def _data(key: "Key") -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "made": _time(key.made),
        "revoked": _time(key.revoked) if key.revoked else None,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
