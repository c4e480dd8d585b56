"""What the commands of training share: tasks, settings, how progress is told, and Ctrl-C that keeps what was reached.

Training is a package above this one: it is imported when a command runs, never when the program starts.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from rlm_local.cli.bench_tasks import read_kinds, read_lengths
from rlm_local.cli.interrupt import CANCELLED, cancellable
from rlm_local.cli.progress import Progress, progress
from rlm_local.cli.terminal import complain
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.home import Home
    from rlm_local.models import Cancel
    from rlm_training.tasks import Make

T = TypeVar("T")

FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[TASKS.jsonl]...",
        help="Questions about your records with known answers, as in examples/questions.jsonl.  "
        "[default: generated tasks]",
        exists=True,
        dir_okay=False,
    ),
]
KindsOption = Annotated[
    list[str] | None,
    typer.Option("--kind", help="A kind of generated task, as for `bench tasks`; can be repeated."),
]
TokensOption = Annotated[str, typer.Option("--tokens", help="Lengths of generated tasks, as in 2k,16k.")]
NumberOption = Annotated[
    int, typer.Option("--number", "-n", min=1, help="How many tasks to generate of each kind and length.")
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="The seed of the first generated task; the next one has the next.")
]
HeldOutOption = Annotated[
    float,
    typer.Option(
        "--held-out",
        min=0.0,
        max=1.0,
        help="The share of wordings to keep out of training. Do not change it later: a hash decides for each wording.",
    ),
]
KINDS = ("fields", "two_hop", "needle", "short")
"""Made tasks that a policy is trained on unless others are named."""


def chosen_tasks(
    home: "Home",
    files: list[Path] | None,
    kinds: list[str] | None,
    tokens: str,
    number: int,
    seed: int,
    held_out: float,
) -> "Sequence[tuple[str, Make]]":
    """The tasks that the options name: of files, or made ones, the kinds one after another in turn."""
    from rlm_local.bench.tasks import specs
    from rlm_training.tasks import made_tasks, read_tasks

    if files:
        return list(read_tasks(files, held_out, home))
    made = specs(read_kinds(kinds or list(KINDS)), read_lengths(tokens), range(seed, seed + number))
    return list(made_tasks(sorted(made, key=lambda spec: spec.seed), held_out))


def work(step: "Callable[[Cancel, Progress], T]") -> T:
    """What a step returns. The first Ctrl-C ends it where nothing is lost; the same command goes on from there."""
    from rlm_local.models import Cancelled

    with progress() as listener:
        try:
            return cancellable(lambda cancel: step(cancel, listener))
        except Cancelled:
            complain("stopped; the same command goes on from here")
            raise typer.Exit(CANCELLED) from None


def read_settings(given: list[str] | None) -> Any:
    """The settings of a training, with those that were given as NAME=VALUE."""
    from rlm_training.settings import Settings

    kinds: dict[str, type[Any]] = {name: type(value) for name, value in Settings().data().items()}
    values: dict[str, Any] = {}
    for text in given or ():
        name, _, value = text.partition("=")
        if name not in kinds:
            raise UsageError(f"there is no setting {name!r}", remedy=f"There are {', '.join(kinds)}")
        try:
            values[name] = kinds[name](value)
        except ValueError as error:
            raise UsageError(f"{text} sets {name} to what is no {kinds[name].__name__}") from error
    return Settings(**values)
