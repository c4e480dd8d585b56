"""`rlm-local train`: from the log to an adapter, step by step or all at once."""

import json
import sys
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
    read_settings,
    work,
)
from rlm_local.cli.progress import Progress
from rlm_local.cli.shared import JsonOption, MaxTokensOption, ModelOption, shared
from rlm_local.cli.terminal import clean
from rlm_local.errors import UsageError
from rlm_local.home import Home

if TYPE_CHECKING:
    from rlm_local.models import Cancel
    from rlm_training.preferences import Method
    from rlm_training.trained import Trained

app = typer.Typer(
    no_args_is_help=True,
    help="Train a policy on this machine. `loop` does all of it; the other commands are its steps.",
)

DataArgument = Annotated[Path, typer.Argument(metavar="DATA", help="A dataset, from `train build`.", file_okay=False)]
OutOption = Annotated[
    Path, typer.Option("--out", help="The folder of this training; if it exists, the training continues.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="A setting, such as epochs=3 or learning_rate=1e-4; can be repeated."
    ),
]
PolicyArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the policy will be called.")]


@app.command("export-base")
def export_base(ctx: typer.Context, model: ModelOption = None, as_json: JsonOption = False) -> None:
    """Convert a model's weights for training. The result is a folder that transformers can load.

    \b
    rlm-local train export-base --model qwen2.5-coder-0.5b

    The result is checked: transformers and llama.cpp have to split 300,000 characters of code and prose into the same
    tokens, and to compute the same logits.
    """
    from rlm_training.base import export_base as export
    from rlm_training.workbench import weights

    home, name = shared(ctx).home, _model(model)

    def step(_cancel: "Cancel", tell: Progress) -> dict[str, Any]:
        spec, path = weights(name, home, tell)
        out = _base(home, name)
        made = export(spec.name, path, out, tell.note)
        return {"folder": str(out), "sha256": made.sha256, "divergence": made.divergence, "characters": made.characters}

    _say(work(step), as_json=as_json)


@app.command("build")
def build(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="The folder for the dataset; an existing one is replaced.")],
    form: Annotated[str, typer.Option("--format", help="What it is for: sft, dpo, kto or grpo.")] = "sft",
    max_length: Annotated[
        int, typer.Option("--max-length", help="Leave out samples with more tokens than this.")
    ] = 4096,
    balance: Annotated[
        float,
        typer.Option(
            "--balance", help="How many times its even share each decision may have among the samples for training."
        ),
    ] = 2.0,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset from collected runs in the log.

    \b
    rlm-local train build --out data

    For each task, the cheapest alternative that solved it becomes a sample. The report says what was left out and why,
    and shows ten samples as text. If a run that a dataset was made from is deleted later, training says so.
    """
    from rlm_local.engine.authors.prompt import PROMPT_VERSION
    from rlm_local.log import RunStore
    from rlm_training.datasets import FORMATS, save
    from rlm_training.datasets import build as make
    from rlm_training.trajectories import states
    from rlm_training.workbench import weights

    if form not in FORMATS:
        raise UsageError(f"there is no format {form!r}", remedy=f"There are {', '.join(FORMATS)}")

    def step(_cancel: "Cancel", tell: Progress) -> dict[str, Any]:
        home = shared(ctx).home
        spec, _ = weights(_model(model), home, tell)
        about = {"model": spec.name, "model_sha256": spec.sha256, "prompt_version": PROMPT_VERSION}
        with RunStore(home.runs, home.key) as store:
            found = states(store, spec.sha256, PROMPT_VERSION)
            dataset = make(found, form, max_length=max_length, balance=balance, about=about)
        save(dataset, out)
        return dataset.report()

    report = work(step)
    samples: list[dict[str, Any]] = [] if as_json else report.pop("samples")
    if not as_json:
        report["runs"] = len(report["runs"])
    _say(report, as_json=as_json)
    for sample in samples:
        sys.stdout.write(f"\n--- {sample['decision']}\n{clean(str(sample['text']))}\n")


@app.command("sft", no_args_is_help=True)
def sft(
    ctx: typer.Context,
    data: DataArgument,
    out: OutOption,
    setting: SetOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a LoRA adapter on the samples of a dataset. This is the first kind of training to try.

    \b
    rlm-local train build --out data && rlm-local train sft data --out sft

    It says first how much memory and time it will take. It ends early when decisions on held-out samples no longer
    improve, and keeps the best adapter. After Ctrl-C, the same command continues from the last step.
    """
    from rlm_training.sft import train_sft

    settings = read_settings(setting)

    def step(cancel: "Cancel", tell: Progress) -> "Trained":
        _tell_gone(ctx, data, tell)
        return train_sft(data, _base(shared(ctx).home, _model(model)), out, settings, tell.note, cancel)

    _say_trained(work(step), as_json=as_json)


StartOption = Annotated[
    Path,
    typer.Option("--start", metavar="ADAPTER", help="The adapter to start from, made by `train sft`.", file_okay=False),
]


@app.command("dpo", no_args_is_help=True)
def dpo(
    ctx: typer.Context,
    data: DataArgument,
    start: StartOption,
    out: OutOption,
    setting: SetOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter further on pairs of replies. One of each pair solved the task, the other did not.

    \b
    rlm-local train build --format dpo --out pairs
    rlm-local train dpo pairs --start sft/adapter --out dpo

    If decisions on held-out samples get no better, the adapter stays the one that it started from.
    """
    _prefer(ctx, "dpo", data, start, out, setting, model, as_json=as_json)


@app.command("kto", no_args_is_help=True)
def kto(
    ctx: typer.Context,
    data: DataArgument,
    start: StartOption,
    out: OutOption,
    setting: SetOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter further on replies marked good or bad. This is like `train dpo`, but without pairs.

    \b
    rlm-local train build --format kto --out marked
    rlm-local train kto marked --start sft/adapter --out kto
    """
    _prefer(ctx, "kto", data, start, out, setting, model, as_json=as_json)


@app.command("grpo", no_args_is_help=True)
def grpo(
    ctx: typer.Context,
    data: DataArgument,
    start: StartOption,
    out: OutOption,
    files: FilesArgument = None,
    kind: KindsOption = None,
    tokens: TokensOption = "2k",
    number: NumberOption = 20,
    seed: SeedOption = 0,
    held_out: HeldOutOption = 0.25,
    setting: SetOption = None,
    model: ModelOption = None,
    max_tokens: MaxTokensOption = 60_000,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter further by reinforcement. It chooses where to look; programs that solve a task are rewarded.

    \b
    rlm-local train build --format grpo --out prompts
    rlm-local train grpo prompts --start sft/adapter --out grpo --set learning_rate=1e-6

    The tasks have to be the ones that were collected. Training ends if all rollouts decide the same, which happens
    easily.
    """
    from rlm_training.grpo import train_grpo
    from rlm_training.rollouts import EngineRollouts
    from rlm_training.workbench import open_workbench, weights

    home, name, settings = shared(ctx).home, _model(model), read_settings(setting)
    tasks = dict(chosen_tasks(home, files, kind, tokens, number, seed, held_out))

    def step(cancel: "Cancel", tell: Progress) -> "Trained":
        _tell_gone(ctx, data, tell)
        _, path = weights(name, home, tell)
        with open_workbench(name, home, tell) as bench:
            roll = EngineRollouts(bench, path, tasks, max_tokens or 60_000, cancel)
            return train_grpo(data, _base(home, name), start, out, settings, roll, tell.note, cancel)

    _say_trained(work(step), as_json=as_json)


@app.command("convert", no_args_is_help=True)
def convert(
    ctx: typer.Context,
    adapter: Annotated[
        Path,
        typer.Argument(metavar="ADAPTER", help="The folder of a LoRA adapter, as PEFT writes it.", file_okay=False),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="ADAPTER.gguf", help="The file to write.")],
    verify: Annotated[
        Path | None,
        typer.Option(
            "--verify",
            metavar="DATA",
            help="Compare its logits with those of the original, on prompts of this dataset.",
        ),
    ] = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Convert a LoRA adapter for llama.cpp. The result is a GGUF file that is loaded beside the weights.

    \b
    rlm-local train convert sft/adapter --out sparing.gguf --verify data
    """
    from rlm_training.datasets import load
    from rlm_training.verify import convert as write
    from rlm_training.verify import verify as compare
    from rlm_training.workbench import weights

    home, name = shared(ctx).home, _model(model)

    def step(_cancel: "Cancel", tell: Progress) -> dict[str, Any]:
        _, path = weights(name, home, tell)
        write(adapter, path, out, tell.note)
        made: dict[str, Any] = {"adapter": str(out), "bytes": out.stat().st_size}
        if verify:
            made["divergence"] = compare(adapter, out, _base(home, name), path, list(load(verify).samples), tell.note)
        return made

    _say(work(step), as_json=as_json)


@app.command("loop", no_args_is_help=True)
def loop(
    ctx: typer.Context,
    name: PolicyArgument,
    files: FilesArgument = None,
    kind: KindsOption = None,
    tokens: TokensOption = "2k",
    number: NumberOption = 20,
    seed: SeedOption = 0,
    held_out: HeldOutOption = 0.25,
    setting: SetOption = None,
    model: ModelOption = None,
    max_tokens: MaxTokensOption = 60_000,
    parallel: Annotated[int, typer.Option("--parallel", min=1, help="Tasks at a time, over one model.")] = 4,
    as_json: JsonOption = False,
) -> None:
    """Train a policy with one command. It collects, builds, trains, converts, evaluates, and promotes what is better.

    \b
    rlm-local train loop sparing my-questions.jsonl
    rlm-local train loop trial --model qwen2.5-coder-0.5b --kind fields --kind two_hop --kind short -n 20

    Use it to teach a small model where to look in your records, from questions whose answers you know. It takes hours;
    stopped at any point, the same command continues. A policy that is not better on the held-out tasks is not promoted;
    `policy show NAME` says why.
    """
    from rlm_training.loop import Loop

    home, settings = shared(ctx).home, read_settings(setting)
    chosen_tasks(home, files, kind, tokens, number, seed, held_out)  # a wrong option is told before anything starts

    def step(cancel: "Cancel", tell: Progress) -> dict[str, Any]:
        made = Loop(
            name=name,
            model=_model(model),
            home=home,
            tasks=lambda: chosen_tasks(home, files, kind, tokens, number, seed, held_out),
            tell=tell.note,
            settings=settings,
            max_tokens=max_tokens or 60_000,
            parallel=parallel,
        ).run(cancel)
        return {"policy": made.name, "report": made.report.data() if made.report else None, "promoted": True}

    _say(work(step), as_json=as_json)


def _prefer(
    ctx: typer.Context,
    method: "Method",
    data: Path,
    start: Path,
    out: Path,
    setting: list[str] | None,
    model: str | None,
    *,
    as_json: bool,
) -> None:
    from rlm_training.preferences import train_preferences

    settings, base = read_settings(setting), _base(shared(ctx).home, _model(model))

    def step(cancel: "Cancel", tell: Progress) -> "Trained":
        _tell_gone(ctx, data, tell)
        return train_preferences(method, data, base, start, out, settings, tell.note, cancel)

    _say_trained(work(step), as_json=as_json)


def _tell_gone(ctx: typer.Context, data: Path, tell: Progress) -> None:
    """Says where runs that a dataset was made from have been deleted since."""
    from rlm_local.log import RunStore
    from rlm_training.datasets import gone, load

    home = shared(ctx).home
    with RunStore(home.runs, home.key) as store:
        if missing := gone(load(data), store):
            tell.note(missing)


def _model(model: str | None) -> str:
    from rlm_local.models import DEFAULT_MODEL

    return model or DEFAULT_MODEL


def _base(home: Home, model: str) -> Path:
    return home.training / "bases" / Path(model).stem


def _say_trained(trained: "Trained", *, as_json: bool) -> None:
    best = trained.best
    first = trained.curve[0]
    _say(
        {
            "method": trained.method,
            "decisions right before": first.accuracy,
            "decisions right after": best.accuracy,
            "best step": best.step,
            "missed": dict(trained.wrong),
            "seconds": trained.seconds,
            "ended": trained.ended,
        },
        as_json=as_json,
    )


def _say(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(f"{json.dumps(found)}\n")
        return
    for name, value in found.items():
        shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
        sys.stdout.write(f"{name}: {clean(shown)}\n")
