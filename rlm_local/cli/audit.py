"""`rlm-local audit`: the server's record of who asked what when."""

import json
import sys
from dataclasses import asdict

import typer

from rlm_local.cli.shared import JsonOption, shared

app = typer.Typer(no_args_is_help=True, help="The server's record of who asked what when.")


@app.callback()
def audit() -> None:
    """The server's record of who asked what when: `serve/audit.jsonl` in the state directory."""


@app.command("verify")
def verify(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Check that no line was changed, taken out or put in since it was written.

    Lines taken off the end are not seen: keep the count and the hash that this prints, and compare. Exit status: 0
    whole, 1 not.
    """
    from rlm_local.serve.audit import AuditLog

    log = AuditLog(shared(ctx).home.serve / "audit.jsonl")
    verdict = log.verify()
    if as_json:
        sys.stdout.write(f"{json.dumps({'whole': not verdict.problem, **asdict(verdict)})}\n")
    elif verdict.problem:
        sys.stdout.write(f"{log.path}, line {verdict.line} {verdict.problem}\n")
    else:
        sys.stdout.write(f"whole: {verdict.lines} lines, the last one {verdict.last}\n")
    raise typer.Exit(1 if verdict.problem else 0)
