"""Supervised fine-tuning on the look and the program of the cheapest alternative that solved each task."""

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np

from rlm_local.models import Cancel
from rlm_training.base import read_export
from rlm_training.datasets import Dataset, Sample, load
from rlm_training.decisions import Accuracy, find_decisions, measure
from rlm_training.device import Device, check_memory, choose_device, estimate
from rlm_training.errors import TrainerError, TrainingError
from rlm_training.files import write_json
from rlm_training.inputs import learned_logits, to_inputs
from rlm_training.libraries import library
from rlm_training.packing import IGNORED, Pack, Piece, pack
from rlm_training.settings import MODULES, Settings
from rlm_training.trained import Point, Trained, check_match, read_trained

Tell = Callable[[str], None]


def train_sft(data: Path, base: Path, out: Path, settings: Settings, tell: Tell, cancel: Cancel) -> Trained:
    """Train a LoRA. `out/adapter` has the one with the best decisions on held-out samples, as PEFT saves it.

    Started again with the same folder, training continues from the last checkpoint; if it had ended, it ends at once.

    Raises:
        DataError: this is not a dataset, it is empty, or it is for another base.
        TrainerError: there is not enough memory, or the loss is not a number.
        Cancelled: by `cancel`, after a step; the checkpoint is kept.
        ExtraMissingError: the extra `train` is not installed.
    """
    done = read_trained(out)
    if done:
        return done
    export, dataset = read_export(base), load(data)
    check_match(dataset, export)
    model, tokenizer, device = load_base(base)
    packs = _steps(dataset.split("train"), settings)
    needed = estimate(model, device, sum(len(p.tokens) for p in packs), max(len(p.tokens) for p in packs))
    tell(f"{len(packs)} steps on {device.name} in {device.dtype}: {needed}")
    check_memory(needed)
    model = with_lora(model, settings)
    watch = Watch(model, tokenizer, dataset.split("held-out") or dataset.split("train"), out, settings, tell)
    every = max(1, len(packs) // settings.evaluations)
    started = time.monotonic()
    trainer = _trainer(model, tokenizer, packs, out, settings, device, watch.callback(every, cancel))
    run(trainer, watch, len(packs), out, tell)
    cancel.check()
    trained = watch.trained("sft", export.name, export.sha256, dataset, time.monotonic() - started)
    trained.save(out)
    return trained


def load_base(base: Path, dtype: str | None = None) -> tuple[Any, Any, Device]:
    """An exported base with its tokenizer, on a device."""
    transformers, device = library("transformers"), choose_device()
    transformers.utils.logging.disable_progress_bar()
    if dtype:
        device = replace(device, dtype=dtype)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=device.torch_dtype, local_files_only=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base, local_files_only=True)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.to(device.name), tokenizer, device


def with_lora(model: Any, settings: Settings) -> Any:
    """The model with a new LoRA; only that is trained."""
    peft = library("peft")
    library("transformers").set_seed(settings.seed)
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0,
        target_modules=list(MODULES),
        task_type="CAUSAL_LM",
    )
    return peft.get_peft_model(model, config)


def run(trainer: Any, watch: "Watch", steps: int, out: Path, tell: Tell) -> None:
    """Train, from the last checkpoint if there is one, and evaluate decisions, also before the first step.

    Raises:
        TrainerError: the loss became NaN or infinite, or the disk is full.
    """
    trainer.remove_callback(library("transformers").PrinterCallback)
    last = library("transformers.trainer_utils").get_last_checkpoint(str(out / "checkpoints")) if out.exists() else None
    if last:
        tell(f"going on from {Path(last).name}")
    try:
        watch.at_start(steps)
        trainer.train(resume_from_checkpoint=last)
    except (OSError, TrainingError, library("safetensors").SafetensorError, RuntimeError) as error:
        if isinstance(error, TrainerError) or (isinstance(error, RuntimeError) and "write" not in str(error)):
            raise
        raise TrainerError(
            f"{out} cannot be written: {error}", remedy="Free some space and start again: it goes on"
        ) from error


class Watch:
    """Evaluates decisions on held-out samples during training, and keeps the best adapter."""

    def __init__(
        self, model: Any, tokenizer: Any, held_out: Sequence[Sample], out: Path, settings: Settings, tell: Tell
    ) -> None:
        self._model, self._out, self._settings, self._tell = model, out, settings, tell
        self._decisions = find_decisions(held_out, tokenizer)
        self._state = out / "watch.json"
        self.curve: list[Point] = []
        self._wrong: dict[str, int] = {}
        self._since = 0
        self._ended = "all steps were taken"
        if self._state.exists():
            kept = cast("dict[str, Any]", json.loads(self._state.read_text("utf-8")))
            self.curve, self._wrong, self._since = [Point(**p) for p in kept["curve"]], kept["wrong"], kept["since"]

    def at_start(self, steps: int) -> None:
        """Evaluate the model as it is, unless that was done before."""
        self._steps = steps
        if not self.curve:
            self._take(0, None)

    def look(self, step: int, loss: float | None) -> bool:
        """Evaluate the model; returns whether training should continue.

        Raises:
            TrainerError: the loss is NaN or infinite.
        """
        if loss is not None and not math.isfinite(loss):
            raise TrainerError(
                f"the loss is {loss} after {step} steps", remedy="Train slower, as in --set learning_rate=5e-5"
            )
        if step <= self.curve[-1].step:
            return True
        better = self._take(step, loss)
        self._since = 0 if better else self._since + 1
        self._keep()
        if self._since >= self._settings.patience and step < self._steps:
            self._ended = f"nothing better came in {self._since} evaluations"
            return False
        return True

    def _take(self, step: int, loss: float | None) -> bool:
        found: Accuracy = measure(self._model, self._decisions, self._settings.step_tokens)
        better = not self.curve or found.share > max(point.accuracy for point in self.curve)
        self.curve.append(Point(step, step, found.share, loss))
        self._tell(
            f"step {step}: {found.right} of {found.n} held-out decisions right" + (f", loss {loss:.3f}" if loss else "")
        )
        if better:
            self._wrong = dict(found.wrong)
            self._model.save_pretrained(self._out / "adapter", selected_adapters=["default"])
        self._keep()
        return better

    def _keep(self) -> None:
        write_json(self._state, {"curve": [asdict(p) for p in self.curve], "wrong": self._wrong, "since": self._since})

    def callback(self, every: int, cancel: Cancel) -> Any:
        """A callback for transformers that evaluates every so many steps, and at the end."""
        watch = self
        base: Any = library("transformers").TrainerCallback

        class Looks(base):
            def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:  # noqa: ARG002
                watch.loss = logs["loss"] if logs and "loss" in logs else watch.loss

            def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:  # noqa: ARG002
                last = state.global_step >= state.max_steps
                if (state.global_step % every == 0 or last) and not watch.look(state.global_step, watch.loss):
                    control.should_training_stop = True
                if cancel.cancelled:
                    control.should_save = control.should_training_stop = True

        return Looks()

    loss: float | None = None

    def trained(self, method: str, base: str, base_sha256: str, dataset: Dataset, seconds: float) -> Trained:
        """The record of the training."""
        names = ("torch", "transformers", "trl", "peft")
        return Trained(
            method=method,
            base=base,
            base_sha256=base_sha256,
            data_sha256=cast("dict[str, str]", dataset.about.get("sha256", {})),
            settings=self._settings.data(),
            versions={name: version(name) for name in names},
            curve=tuple(self.curve),
            wrong=self._wrong,
            seconds=round(seconds, 1),
            ended=self._ended,
        )


def arguments(out: Path, settings: Settings, device: Device, save_every: int) -> dict[str, Any]:
    """The arguments of all of TRL's trainers."""
    return {
        "output_dir": str(out / "checkpoints"),
        "per_device_train_batch_size": 1,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 2,
        "num_train_epochs": 1,
        "bf16": device.dtype == "bfloat16",
        "use_cpu": device.name == "cpu",
        "gradient_checkpointing": False,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # a loss of NaN ends the training, see `Watch.look`
        "save_strategy": "steps",
        "save_steps": save_every,
        "save_total_limit": 1,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "report_to": "none",
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
    }


def _steps(samples: Sequence[Sample], settings: Settings) -> list[Pack]:
    """The packs of all epochs; samples are packed anew in each epoch."""
    pieces = [
        Piece((*s.prompt_ids, *s.completion_ids), (*[IGNORED] * len(s.prompt_ids), *s.completion_ids)) for s in samples
    ]
    chance = random.Random(settings.seed)  # noqa: S311  (has to be repeatable)
    packs: list[Pack] = []
    for epoch in range(math.ceil(settings.epochs)):
        share = min(1.0, settings.epochs - epoch)
        drawn = chance.sample(pieces, len(pieces))[: max(1, round(share * len(pieces)))]
        packs += pack(drawn, settings.step_tokens)
    return packs


def _trainer(
    model: Any, tokenizer: Any, packs: Sequence[Pack], out: Path, settings: Settings, device: Device, callback: Any
) -> Any:
    trl, datasets = library("trl"), library("datasets")
    rows = [{"input_ids": p.tokens, "labels": p.labels, "positions": p.positions, "owners": p.owners} for p in packs]

    def collate(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        [row] = rows
        arrays = (np.asarray(row[name], np.int64) for name in ("input_ids", "labels", "positions", "owners"))
        return to_inputs(Pack(*arrays), model)

    base: Any = trl.SFTTrainer

    class OfLearned(base):
        """Computes logits only for tokens that are learned; without a GPU, TRL's own loss computes them for all."""

        def compute_loss(self, model: Any, inputs: dict[str, Any], *_rest: Any, **_named: Any) -> Any:
            logits, labels = learned_logits(model, inputs)
            return library("torch").nn.functional.cross_entropy(logits, labels)

    return OfLearned(
        model=model,
        args=trl.SFTConfig(
            **arguments(out, settings, device, max(1, len(packs) // settings.evaluations)),
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
        data_collator=collate,
        callbacks=[callback],
    )
