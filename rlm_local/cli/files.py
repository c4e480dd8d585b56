"""`rlm-local files`: what was uploaded to the server: listed, and deleted."""

import json
import sys
import time
from typing import Annotated

import typer

from rlm_local.cli.removed import tell_removed
from rlm_local.cli.shared import JsonOption, shared
from rlm_local.cli.terminal import columns, one_line

app = typer.Typer(no_args_is_help=True, help="Files that were uploaded to the server: list, delete.")


@app.command("list")
def list_files(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the uploaded files of all keys, the latest first. `messages` marks texts that came in a message."""
    from rlm_local.serve.erasure import open_erasure

    with open_erasure(shared(ctx).home) as erasure:
        known = erasure.uploads.list(None)
    if as_json:
        told = [
            {"id": f.id, "owner": f.owner, "purpose": f.purpose, "bytes": f.size, "made": f.made, "name": f.name}
            for f in known
        ]
        sys.stdout.write(f"{json.dumps(told)}\n")
        return
    rows = [("id", "owner", "purpose", "bytes", "made", "name")]
    for f in known:
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(f.made))
        rows.append((f.id, f.owner, f.purpose, f"{f.size:,}", made, one_line(f.name, 60)))
    sys.stdout.writelines(f"{line}\n" for line in columns(rows, right={3}))


@app.command("delete", no_args_is_help=True)
def delete(
    ctx: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Ids of files, from `files list`.")],
    keep_runs: Annotated[
        bool, typer.Option("--keep-runs", help="Keep the runs over them, which quote from them.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete uploaded files and everything derived from them. A report says what that was.

    Runs over these files are deleted, too, as by `runs delete`, because their logs quote what was read.
    """
    from rlm_local.serve.erasure import open_erasure

    with open_erasure(shared(ctx).home) as erasure:
        found = [erasure.uploads.get(None, file) for file in files]
        removed = erasure.files("cli", found, keep_runs=keep_runs)
    tell_removed(removed, as_json=as_json)
