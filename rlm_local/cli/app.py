"""The program `rlm-local`: its commands, its configuration file, and what becomes of errors."""

import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from rlm_local.cli import (
    audit,
    batch,
    bench,
    chat,
    collect,
    collection,
    doctor,
    files,
    keys,
    models,
    policy,
    run,
    runs,
    sandbox,
    serve,
    setup,
    train,
    vault,
)
from rlm_local.cli.config import read_config
from rlm_local.cli.shared import shared
from rlm_local.cli.terminal import complain
from rlm_local.errors import RlmLocalError, UsageError


class Commands(TyperGroup):
    """Commands whose errors are a line on stderr: exit status 2 for a request that is wrong, else 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except _told() as error:
            complain(str(error))
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error


def _told() -> tuple[type[Exception], ...]:
    """Errors made for people. A package that was never imported, which takes its time, has raised none."""
    others = {"rlm_policy.errors": "PolicyError", "rlm_sandbox.errors": "SandboxError"}
    loaded = (getattr(sys.modules[module], name) for module, name in others.items() if module in sys.modules)
    return (RlmLocalError, *loaded)


app = typer.Typer(
    name="rlm-local",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("run", no_args_is_help=True)(run.run)
app.command("chat", no_args_is_help=True)(chat.chat)
app.command("batch", no_args_is_help=True)(batch.batch)
app.command("serve")(serve.serve)
app.add_typer(collection.app, name="collection")
app.add_typer(files.app, name="files")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(runs.app, name="runs")
app.add_typer(models.app, name="models")
app.command("sandbox", no_args_is_help=True)(sandbox.sandbox)
app.command("collect")(collect.collect)
app.add_typer(train.app, name="train")
app.add_typer(policy.app, name="policy")
app.add_typer(bench.app, name="bench")
app.command("setup")(setup.setup)
app.command("doctor")(doctor.doctor)
app.command("encrypt")(vault.encrypt)
app.command("rekey")(vault.rekey)
app.command("decrypt")(vault.decrypt)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rlm-local {version('rlm-local')}")
        raise typer.Exit


@app.callback()
def rlm_local(
    ctx: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    leaf_cache: Annotated[
        bool,
        typer.Option(
            "--leaf-cache/--no-leaf-cache",
            envvar="RLM_LOCAL_LEAF_CACHE",
            help="Keep what the model said about each item, so that repeating a map costs nothing.",
        ),
    ] = True,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            envvar="RLM_LOCAL_KEY_FILE",
            metavar="FILE",
            help="A file with the passphrase of an encrypted state directory.  [default: you are asked for it]",
        ),
    ] = None,
) -> None:
    """Ask questions over more text than any context window holds, on your own machine, without a network.

    \b
    rlm-local doctor                                             see what is installed and what is missing
    rlm-local run "How many visits were cancelled?" records/     answer a question over files and folders
    rlm-local chat records/                                      ask one question after another
    rlm-local runs show last                                     see how the answer came about
    rlm-local serve records/                                     do the same for programs and browsers

    An option that is not on the command line is taken from RLM_LOCAL_* in the environment, else from config.toml in the
    state directory (`rlm-local doctor` says where that is). There, `timeout = 600` applies to all commands; in a table
    such as [run], to that command. RLM_LOCAL_HOME sets another state directory.
    """
    use = shared(ctx)
    secret = replace(use.home.secret, file=key_file) if key_file else use.home.secret
    ctx.obj = replace(use, home=replace(use.home, leaf_cache=leaf_cache, secret=secret))
    ctx.default_map = read_config(shared(ctx).home.root / "config.toml", ctx.command)


def main() -> None:
    """Runs the program. Exit status: 0 answered, 3 partial, 1 error, 2 usage, 130 cancelled."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    app(prog_name="rlm-local")
