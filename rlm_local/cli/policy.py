"""`rlm-local policy`: trained policies, what they are worth, and which one counts."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from rlm_local.cli.shared import JsonOption, MaxTokensOption, ModelOption, shared
from rlm_local.cli.terminal import columns
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.models import Cancel
    from rlm_policy import Artifact, Policies

app = typer.Typer(
    no_args_is_help=True, help="Manage policies, which decide where to look. Calibrate, compare and promote them."
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A name from `policy list`.")]


@app.command("list")
def list_policies(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the trained policies. A star marks the promoted one of each model."""
    policies = _policies(ctx)
    known = [(artifact, _counts(policies, artifact)) for artifact in policies.all()]
    if as_json:
        sys.stdout.write(f"{json.dumps([{**_data(artifact), 'promoted': counts} for artifact, counts in known])}\n")
        return
    rows = [("", "name", "model", "made", "score", "tokens")]
    for artifact, counts in known:
        report = artifact.report
        score, tokens = (f"{report.score.mean:+.3f}", f"{report.tokens.mean:+,.0f}") if report else ("not known", "")
        rows.append(
            ("*" if counts else "", artifact.name, artifact.manifest.base, artifact.created[:16], score, tokens)
        )
    sys.stdout.writelines(f"{line}\n" for line in columns(rows, right=(4, 5)))


@app.command("show", no_args_is_help=True)
def show(ctx: typer.Context, name: NameArgument, as_json: JsonOption = False) -> None:
    """Show how a policy was made, and whether it is better. It is compared with the untrained model."""
    from rlm_policy import objections

    artifact = _policies(ctx).get(name)
    if as_json:
        sys.stdout.write(f"{json.dumps(_data(artifact))}\n")
        return
    manifest, report = artifact.manifest, artifact.report
    lines = [
        f"{artifact.name}, for {manifest.base} {manifest.base_sha256[:16]}, prompts {manifest.prompt_version}",
        f"made {artifact.created}: {artifact.folder}",
        *(f"  {key}: {json.dumps(value)}" for key, value in manifest.provenance.items()),
    ]
    if report is None:
        lines.append("not evaluated")
    else:
        score, tokens = report.score, report.tokens
        lines += [
            f"on {report.tasks} held-out tasks, against the model untrained:",
            f"  score {score.mean:+.3f} (95 % {score.low:+.3f} to {score.high:+.3f})",
            f"  tokens {tokens.mean:+,.0f} (95 % {tokens.low:+,.0f} to {tokens.high:+,.0f})",
            f"  valid actions {report.valid:.1%}; {report.short_tasks} short tasks {report.short_score:+.3f}",
            *_detail(artifact),
            f"the gate: {'; '.join(objections(report)) or 'it is better'}",
        ]
    sys.stdout.writelines(f"{line}\n" for line in lines)


@app.command("calibrate")
def calibrate(
    ctx: typer.Context,
    model: ModelOption = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Print the biases without keeping them.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Correct a model's habit of looking in one place. Biases are fitted, which the policy `prompted` then adds.

    \b
    rlm-local collect my-questions.jsonl && rlm-local policy calibrate

    `collect` tries several actions from the same state; the cheapest that solves a task is the right one. The biases
    are fitted to the decisions for training. On the held-out ones it is measured how often, and how surely, decisions
    are right before and after; biases that do not help there are not kept.
    """
    from rlm_local.engine.authors.prompt import PROMPT_VERSION
    from rlm_local.engine.calibrated import calibration_of, keep
    from rlm_local.log import RunStore
    from rlm_local.models import DEFAULT_MODEL, OwnModels, resolve

    home = shared(ctx).home
    sha256 = resolve(model or DEFAULT_MODEL, OwnModels(home.models).all()).sha256
    with RunStore(home.runs, home.key) as store:
        found = calibration_of(store, store.outcomes(sha256, PROMPT_VERSION))
    if not found.fitted_on or not found.before.n:
        raise UsageError(
            f"there are {found.fitted_on} labelled decisions to fit on, and {found.before.n} held out to measure on",
            remedy="`rlm-local collect` tries several actions from the same state; collect more tasks",
        )
    if not dry:
        keep(home.calibration, sha256, PROMPT_VERSION, found.kept)
    if as_json:
        sys.stdout.write(f"{json.dumps({**asdict(found), 'better': found.better})}\n")
        return
    rows = [("held-out decisions", "right", "log loss", "calibration error")]
    for name, each in (("before", found.before), ("after", found.after)):
        rows.append((f"{name}, {each.n}", f"{each.accuracy:.1%}", f"{each.log_loss:.3f}", f"{each.error:.3f}"))
    fitted = ", ".join(f"{action} {nats:+.2f}" for action, nats in found.biases.items())
    lines = [f"fitted on {found.fitted_on}: {fitted}", *columns(rows, right=(1, 2, 3))]
    if not found.better:
        lines.append("Not kept: what is right is no likelier with these biases. Collect more tasks, or go without.")
    sys.stdout.writelines(f"{line}\n" for line in lines)


@app.command("eval", no_args_is_help=True)
def evaluate(
    ctx: typer.Context,
    name: NameArgument,
    files: FilesArgument = None,
    beside: Annotated[
        list[str] | None,
        typer.Option("--beside", help="Another policy to compare, such as direct or recurse; can be repeated."),
    ] = None,
    kind: KindsOption = None,
    tokens: TokensOption = "2k",
    number: NumberOption = 20,
    seed: SeedOption = 0,
    held_out: HeldOutOption = 0.25,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A file of JSON lines for the results; those in it are not measured again."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="A file for a picture (SVG): score against tokens.")
    ] = None,
    max_tokens: MaxTokensOption = 60_000,
    as_json: JsonOption = False,
) -> None:
    """Compare a trained policy with the untrained model. The tasks are those held out; the report is kept.

    \b
    rlm-local policy eval sparing my-questions.jsonl --beside recurse --plot sparing.svg

    Each task is asked under both, so differences are paired; their intervals are bootstrapped over tasks. `policy show`
    prints the report again.
    """
    from rlm_training.evaluate import to_svg
    from rlm_training.files import whole
    from rlm_training.loop import BESIDE
    from rlm_training.loop import evaluate as run
    from rlm_training.workbench import open_workbench

    policies = _policies(ctx)
    artifact = policies.get(name)
    home = shared(ctx).home
    tasks = chosen_tasks(home, files, kind, tokens, number, seed, held_out)

    def step(cancel: "Cancel", tell: Progress) -> "Artifact":
        with open_workbench(artifact.manifest.base, home, tell) as bench:
            file = out or artifact.folder / "results.jsonl"
            found = run(bench, name, tasks, file, tell.note, max_tokens or 60_000, cancel, beside or BESIDE)
        if plot:
            with whole(plot) as made:
                made.write_text(to_svg(found.detail), "utf-8")
        return policies.evaluated(name, found.report, found.detail)

    work(step)
    show(ctx, name, as_json)


@app.command("promote", no_args_is_help=True)
def promote(
    ctx: typer.Context,
    name: NameArgument,
    force: Annotated[
        bool, typer.Option("--force", help="Promote it even if it is not better; the history notes this.")
    ] = False,
) -> None:
    """Make a policy the one that `--policy adapter` means. A running server uses it from its next question on.

    \b
    rlm-local policy promote sparing && rlm-local run "..." records --policy adapter

    It has to be better on held-out tasks: the score may not be lower, not even on short texts; a higher score or fewer
    tokens must be beyond chance; and its actions must be possible.
    """
    artifact = _policies(ctx).promote(name, force=force)
    sys.stdout.write(f"{artifact.name} is the policy for {artifact.manifest.base}\n")


@app.command("rollback")
def rollback(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The policy that is promoted now.")] = None,
) -> None:
    """Take a promotion back. The policy that was promoted before takes its place."""
    policies = _policies(ctx)
    current = [artifact for artifact in policies.all() if _counts(policies, artifact)]
    chosen = [artifact for artifact in current if name in (None, artifact.name)]
    if len(chosen) != 1:
        names = ", ".join(artifact.name for artifact in current) or "none is promoted"
        raise UsageError("it is not clear which policy to take back", remedy=f"Name one of: {names}")
    before = policies.rollback(chosen[0].manifest.base_sha256)
    sys.stdout.write(f"{before.name if before else 'no trained policy'} counts again\n")


def _policies(ctx: typer.Context) -> "Policies":
    from rlm_policy import Policies

    return Policies(shared(ctx).home.policies)


def _counts(policies: "Policies", artifact: "Artifact") -> bool:
    promoted = policies.promoted(artifact.manifest.base_sha256)
    return promoted is not None and promoted.name == artifact.name


def _data(artifact: "Artifact") -> dict[str, Any]:
    from rlm_policy import objections

    return {
        "name": artifact.name,
        "folder": str(artifact.folder),
        "created": artifact.created,
        "adapter_sha256": artifact.adapter_sha256,
        **asdict(artifact.manifest),
        "report": artifact.report.data() if artifact.report else None,
        "objections": objections(artifact.report) if artifact.report else ["it was not evaluated"],
    }


def _detail(artifact: "Artifact") -> list[str]:
    """The rest of a report as lines: a row for each policy, and the decisions against the oracle."""
    detail: dict[str, Any] = json.loads((artifact.folder / "report.json").read_text("utf-8"))["detail"]
    rows = [("  policy", "n", "score", "95 %", "tokens", "calls")]
    for row in detail.get("policies", ()):
        score = row["score"]
        interval = f"{score['low']:.2f} to {score['high']:.2f}"
        cells = (f"{score['mean']:.3f}", interval, f"{row['tokens']['mean']:,.0f}", f"{row['calls']:.1f}")
        rows.append((f"  {row['policy']}", str(row["n"]), *cells))
    lines = columns(rows, right=range(1, 6))
    for policy, found in detail.get("decisions", {}).items():
        if not found["n"]:
            continue  # no alternatives of these tasks were collected: there is no oracle
        lines.append(
            f"  {policy}: {found['accuracy']:.1%} of {found['n']} decisions as the oracle's, "
            f"{found['over']} too dear, {found['under']} too cheap"
        )
        lines += [
            f"    {c['right']} taken as {c['taken']}: {c['n']}" for c in found["confusion"] if c["right"] != c["taken"]
        ]
    return lines
