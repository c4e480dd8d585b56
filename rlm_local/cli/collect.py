"""`rlm-local collect`: what every action comes to on tasks with known answers, in the log."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.learning import (
    FilesArgument,
    HeldOutOption,
    KindsOption,
    NumberOption,
    SeedOption,
    TokensOption,
    chosen_tasks,
    work,
)
from rlm_local.cli.progress import Progress
from rlm_local.cli.shared import MaxTokensOption, ModelOption, shared

if TYPE_CHECKING:
    from rlm_local.models import Cancel


def collect(
    ctx: typer.Context,
    files: FilesArgument = None,
    branches: Annotated[
        bool,
        typer.Option(
            "--branches/--no-branches",
            help="Try several actions from the same state until one solves, or only run once.",
        ),
    ] = True,
    kind: KindsOption = None,
    tokens: TokensOption = "2k",
    number: NumberOption = 20,
    seed: SeedOption = 0,
    held_out: HeldOutOption = 0.25,
    parallel: Annotated[int, typer.Option("--parallel", min=1, help="Tasks at a time, over one model.")] = 4,
    model: ModelOption = None,
    max_tokens: MaxTokensOption = 60_000,
) -> None:
    """Collect runs to calibrate or train a policy from. They answer questions whose answers are known.

    \b
    rlm-local collect my-questions.jsonl
    rlm-local collect --kind count --kind needle --tokens 2k -n 50

    Each task is run several times from the same state, each time told where to look, until one run solves it: in the
    tables with code, in the text, at each row with a model, or at each document with a child. The cheapest comes first.
    The log keeps the score and the cost of each run, and `train build` makes datasets from it. Tasks whose questions
    have the same wording are always in the same split, either for training or held out.

    What is in the log is not tried again, so the same command continues a collection that was stopped.
    """
    from rlm_local.models import DEFAULT_MODEL
    from rlm_training.collect import Collector
    from rlm_training.workbench import open_workbench

    tasks = chosen_tasks(shared(ctx).home, files, kind, tokens, number, seed, held_out)

    def step(cancel: "Cancel", tell: Progress) -> tuple[int, int, int]:
        done = solved = runs = 0
        with open_workbench(model or DEFAULT_MODEL, shared(ctx).home, tell) as bench:
            collector = Collector(
                bench.engine, bench.model, bench.store, bench.spec.sha256, max_tokens or 60_000, parallel
            )
            for collected in collector.collect(tasks, branches=branches, cancel=cancel):
                done, runs = done + 1, runs + len(collected.outcomes)
                solved += any(outcome.score >= 1 for outcome in collected.outcomes)
                tell.note(f"{done} of {len(tasks)}: {collected.task}, {len(collected.outcomes)} runs")
        cancel.check()
        return done, runs, solved

    done, runs, solved = work(step)
    sys.stdout.write(f"{done} tasks, {runs} new runs, {solved} tasks solved by at least one of them\n")
