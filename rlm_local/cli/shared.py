"""What the commands share: the state directory, how an engine is made, and options that several of them have."""

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from rlm_local.cli.interrupt import interruptible
from rlm_local.cli.system import check_system
from rlm_local.errors import UsageError
from rlm_local.home import Home

if TYPE_CHECKING:  # these take a second to import, which `--help` does not need
    from rlm_local.engine.engine import Engine
    from rlm_local.engine.events import Listener


def read_schema(path: Path | None) -> dict[str, Any] | None:
    """The JSON Schema of a file; None without one.

    Raises:
        UsageError: it cannot be read, or is not a JSON object.
    """
    if path is None:
        return None
    try:
        schema = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise UsageError(f"{path} is not a JSON object", remedy='Give a schema such as {"type": "integer"}')
    return cast("dict[str, Any]", schema)


class AuthorChoice(StrEnum):
    """What `--author` takes."""

    programs = "programs"
    free = "free"


class LengthChoice(StrEnum):
    """What `--length` takes."""

    short = "short"
    medium = "medium"
    long = "long"
    points = "points"


@dataclass(frozen=True)
class Loading:
    """Which model to load: a name, a path or an address (None: the default one), and how long a context it gets."""

    model: str | None = None
    context: int | None = None


MakeEngine = Callable[[Loading, Home, "Listener"], AbstractContextManager["Engine"]]
"""Makes an engine with a model, in a state directory, that tells a listener what it does."""


def _engine(loading: Loading, home: Home, listener: "Listener") -> "AbstractContextManager[Engine]":
    from rlm_local.engine.parts import begin

    parts = begin(loading.model, home=home, listener=listener, context=loading.context)
    from rlm_local.engine.engine import Engine  # takes a second, while another process loads the weights

    return Engine.on(parts, listener)


OpenVocabulary = Callable[[str, Home], AbstractContextManager[Callable[[str], int]]]
"""The tokens of a text by the vocabulary of a model, whose weights are not used, in a state directory."""


@contextmanager
def _vocabulary(model: str, home: Home) -> Generator[Callable[[str], int]]:
    from rlm_local.models import OwnModels, resolve
    from rlm_local.models.llama import Weights

    spec = resolve(model, OwnModels(home.models).all())
    path = spec.file or home.models / f"{spec.name}.gguf"
    if not path.is_file():
        raise UsageError(f"the vocabulary of {model} is not here: there is no {path}", remedy="Pull the model first")
    weights = Weights(path)
    try:
        yield lambda text: len(weights.tokenize(text))
    finally:
        weights.close()


def _protections() -> Mapping[str, bool]:
    from rlm_sandbox import capabilities

    return capabilities()


@dataclass(frozen=True)
class Shared:
    """What the program passes to its commands; tests pass their own.

    `protections` tells which walls of the sandbox the kernel grants.
    """

    home: Home = field(default_factory=Home.default)
    make_engine: MakeEngine = _engine
    open_vocabulary: OpenVocabulary = _vocabulary
    protections: Callable[[], Mapping[str, bool]] = _protections


def shared(ctx: typer.Context) -> Shared:
    return ctx.ensure_object(Shared)


@contextmanager
def open_engine(ctx: typer.Context, loading: Loading, listener: "Listener") -> "Generator[Engine]":
    """The engine, set up and loaded; Ctrl-C meanwhile ends the program."""
    check_system()
    use = shared(ctx)
    with ExitStack() as stack:
        with interruptible():
            _ = use.home.key  # who is asked for a passphrase is asked before anything else is shown
            engine = stack.enter_context(use.make_engine(loading, use.home, listener))
        yield engine


WallsOption = Annotated[
    bool,
    typer.Option(
        "--require-walls",
        envvar="RLM_LOCAL_REQUIRE_WALLS",
        help="Refuse to run if the kernel does not grant the sandbox all of its protections; see `rlm-local doctor`.",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        envvar="RLM_LOCAL_MODEL",
        help="A name from `rlm-local models list`, the path of a GGUF file, or an OpenAI-compatible server's address, "
        "as in http://127.0.0.1:8000/v1#name.  [default: qwen2.5-coder-1.5b]",
    ),
]
ContextOption = Annotated[
    int | None,
    typer.Option(
        "--context",
        min=2_048,  # rlm_local.models.memory says why
        envvar="RLM_LOCAL_CONTEXT",
        metavar="TOKENS",
        help="How many tokens of prompts and replies the model holds at a time, if there is memory for "
        "them.  [default: what suits model and machine]",
    ),
]
AuthorOption = Annotated[
    AuthorChoice | None,
    typer.Option(
        "--author",
        envvar="RLM_LOCAL_AUTHOR",
        help="How programs are written: programs (SQL and Python, checked by code) or free (the model's own Python, "
        "cell by cell; for large models).  [default: what suits the model]",
    ),
]
LengthOption = Annotated[
    LengthChoice | None,
    typer.Option("--length", help="Write a summary of this length: short, medium, long, or points (one a line)."),
]
PolicyOption = Annotated[
    str | None,
    typer.Option(
        "--policy",
        envvar="RLM_LOCAL_POLICY",
        metavar="NAME",
        help="Who decides when to search with code, to ask about every item, or to give parts to child nodes: rules "
        "(by size and likelihood), prompted (the model's own choice), recurse (child nodes wherever possible), direct "
        "(one call, with the text cut to the window), free (the model's own Python), forced:ACTION,... (these first), "
        "or the name of a trained policy.  [default: what suits the model]",
    ),
]
PoliciesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="NAME",
        help="A policy, as for `run`; give it several times to compare them. With several forced:ACTION, the table has "
        "an oracle: the best of them for each question.  [default: rules, direct]",
    ),
]
PriceOption = Annotated[
    str | None,
    typer.Option(
        "--price",
        envvar="RLM_LOCAL_PRICE",
        metavar="PRICE",
        help="How much the policy avoids actions that cost tokens: conservative, balanced, aggressive, or a number: "
        "the nats that a thousand tokens are worth.",
    ),
]
SchemaOption = Annotated[
    Path | None,
    typer.Option(
        "--schema", metavar="FILE", help="A file with a JSON Schema that the answer has to fit.", dir_okay=False
    ),
]
MaxTokensOption = Annotated[
    int | None,
    typer.Option(
        "--max-tokens", min=1, envvar="RLM_LOCAL_MAX_TOKENS", help="Most tokens to evaluate and generate for an answer."
    ),
]
MaxCallsOption = Annotated[
    int | None,
    typer.Option("--max-calls", min=1, envvar="RLM_LOCAL_MAX_CALLS", help="Most calls of the model for an answer."),
]
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", min=0.001, envvar="RLM_LOCAL_TIMEOUT", help="Most seconds for an answer.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
