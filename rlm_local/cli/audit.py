"""`rlm-local audit`: the server's record of who asked what when."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.shared import JsonOption, shared
from rlm_local.cli.terminal import clean

if TYPE_CHECKING:
    from rlm_local.serve.audit import AuditLog

app = typer.Typer(no_args_is_help=True, help="The server's record of who asked what when.")


@app.callback()
def audit() -> None:
    """The server's record of who asked what when: `serve/audit.jsonl` in the state directory.

    Its key and its head are kept apart, in `seal/`, which may be a link to another disk.
    """


@app.command("verify")
def verify(
    ctx: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="RECEIPT",
            help="A receipt that an earlier check printed: that line must be unchanged, and what follows is checked.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that the audit log is whole, and print a receipt. Whole means: no line changed, added, removed or cut off.

    \b
    rlm-local audit verify
    rlm-local audit verify --since 57:9f2c...

    Lines are chained by hashes; the number and hash of the last one are kept apart, signed with a key of the server.
    Whoever has that key as well could rewrite the whole log: keep a receipt elsewhere, and compare with --since. Damage
    is reported at every check, unless a later receipt is given. Exit status: 0 whole, 1 not.
    """
    from rlm_local.serve.chain import Receipt

    log = _log(ctx)
    verdict = log.verify(None if since is None else Receipt.read(since))
    if as_json:
        problems = [asdict(problem) for problem in verdict.problems]
        told = {"whole": not problems, "lines": verdict.lines, "receipt": str(verdict.receipt), "problems": problems}
        sys.stdout.write(f"{json.dumps(told)}\n")
    else:
        for problem in verdict.problems:
            sys.stdout.write(clean(f"{log.path}: {problem}\n"))
        whole = "not whole" if verdict.problems else "whole"
        sys.stdout.write(f"{whole}: {verdict.lines} lines, receipt {verdict.receipt}\n")
    raise typer.Exit(1 if verdict.problems else 0)


@app.command("find", no_args_is_help=True)
def find(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A whole question, or the name of a file.")],
) -> None:
    """Print the lines about a question or a file, as JSON lines. The log has only their hashes."""
    sys.stdout.writelines(f"{json.dumps(line)}\n" for line in _log(ctx).find(text))


def _log(ctx: typer.Context) -> "AuditLog":
    from rlm_local.serve.audit import AuditLog

    return AuditLog.of(shared(ctx).home)
