"""`rlm-local run`: a question, and paths to answer it from."""

import json
import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, NoReturn, TextIO

import typer

from rlm_local.cli.interrupt import CANCELLED, cancellable
from rlm_local.cli.progress import progress
from rlm_local.cli.shared import (
    AuthorOption,
    ContextOption,
    JsonOption,
    LengthOption,
    Loading,
    MaxCallsOption,
    MaxTokensOption,
    ModelOption,
    PolicyOption,
    PriceOption,
    SchemaOption,
    TimeoutOption,
    WallsOption,
    open_engine,
    read_schema,
    shared,
)
from rlm_local.cli.terminal import clean, complain, one_line
from rlm_local.cli.walls import look_at_walls

if TYPE_CHECKING:
    from rlm_local.engine.answer import Answer, Evidence
    from rlm_local.engine.engine import Engine
    from rlm_local.engine.events import Listener
    from rlm_local.serve.remote import RemoteEngine

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        envvar="RLM_LOCAL_SERVER",
        metavar="URL",
        help="Ask a running `rlm-local serve` instead of loading a model here; the documents are sent to it.",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="RLM_LOCAL_KEY",
        metavar="KEY",
        help="The key for that server; RLM_LOCAL_KEY is safer, as others can read a command line.",
    ),
]

_PARTIAL = 3
_EVIDENCE_SHOWN = 8


def run(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know.")],
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files and folders; - is standard input.")],
    model: ModelOption = None,
    context: ContextOption = None,
    author: AuthorOption = None,
    policy: PolicyOption = None,
    price: PriceOption = None,
    schema: SchemaOption = None,
    length: LengthOption = None,
    max_tokens: MaxTokensOption = None,
    max_calls: MaxCallsOption = None,
    timeout: TimeoutOption = None,
    server: ServerOption = None,
    key: KeyOption = None,
    require_walls: WallsOption = False,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each cell and what it prints.")] = False,
) -> None:
    """Answer a question over files and folders.

    \b
    rlm-local run "Which department had the most no-shows in 2024?" records/
    journalctl -u portal | rlm-local run "When did the first login fail?" -
    rlm-local run "How many notes mention a fall?" notes/ --timeout 300 --json | jq .answer
    rlm-local run "Who is on call?" rota/ --server http://127.0.0.1:8321

    The answer goes to stdout. On a terminal it is followed by the places in the documents that it rests on. Progress
    and cost go to stderr. The first run fetches what is missing: `rlm-local doctor` says how much that is.

    Ctrl-C stops the run and prints the best answer so far. Exit status: 0 answered, 3 partial (a limit was reached),
    1 error, 2 usage, 130 cancelled.
    """
    form = read_schema(schema)
    if server is None:
        look_at_walls(shared(ctx), required=require_walls)
    with progress(verbose=verbose) as listener, _open(ctx, Loading(model, context), server, key, listener) as engine:
        answer = cancellable(
            lambda cancel: engine.ask(
                question,
                paths,
                author=author.value if author else None,
                policy=policy,
                price=price,
                schema=form,
                length=length.value if length else None,
                max_tokens=max_tokens,
                max_calls=max_calls,
                timeout=timeout,
                cancel=cancel,
            )
        )
    finish(answer, as_json=as_json)


def _open(
    ctx: typer.Context, loading: Loading, server: str | None, key: str | None, listener: "Listener"
) -> "AbstractContextManager[Engine | RemoteEngine]":
    """A server's engine where one is named, else one that is loaded for this question."""
    if server is None:
        return open_engine(ctx, loading, listener)
    from rlm_local.serve.remote import RemoteEngine

    return RemoteEngine(server, key, loading.model, listener)


def finish(answer: "Answer", *, as_json: bool) -> NoReturn:
    """Say what a run came to, and end with its exit status."""
    if as_json:
        sys.stdout.write(f"{json.dumps(answer.data())}\n")
    else:
        print_answer(answer, sys.stdout, sys.stderr)
    if answer.error:
        complain(answer.error)
    raise typer.Exit({"answered": 0, "error": 1, "cancelled": CANCELLED}.get(answer.ended, _PARTIAL))


def print_answer(answer: "Answer", out: TextIO, err: TextIO) -> None:
    """The answer on `out`; the evidence beside it where that is a terminal, else on `err`, as the cost is."""
    if answer.ended != "error":
        out.write(f"{clean(answer.answer)}\n")
    notes = out if out.isatty() else err
    if answer.evidence:
        notes.write("\n")
    for number, place in enumerate(answer.evidence[:_EVIDENCE_SHOWN], 1):
        notes.write(f"[{number}] {place_line(place, 100)}\n")
    if len(answer.evidence) > _EVIDENCE_SHOWN:
        notes.write(
            f"and {len(answer.evidence) - _EVIDENCE_SHOWN} more places: `rlm-local runs show {answer.run_id}`\n"
        )
    out.flush()
    err.write(f"\n{cost_line(answer)}\n")
    err.flush()


def place_line(place: "Evidence", width: int) -> str:
    """A place that an answer rests on, on one line: file, characters, page and heading, and its text cut to a width."""
    under = f" ({one_line(place.place, 80)})" if place.place else ""
    return f"{clean(place.document)}:{place.start}-{place.end}{under}  “{one_line(place.text, width)}”"


def cost_line(answer: "Answer") -> str:
    usage = answer.usage
    how = "" if answer.ended == "answered" else f"{answer.ended} · "
    sure = f"{answer.confidence:.0%} sure · " if answer.confidence is not None else ""
    return (
        f"{how}{sure}{usage.seconds:.1f} s · {usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens · "
        f"{usage.leaf_calls:,} calls · {answer.model} · run {answer.run_id}"
    )
