"""Preferences: DPO on pairs of replies to one prompt, KTO on replies marked good or not.

Both start from an adapter made by SFT, because a model that seldom writes a right reply has little to prefer. Both may
make decisions worse while their loss falls. So the adapter with the best held-out decisions is kept, and the one that
training started from competes as well.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rlm_local.models import Cancel
from rlm_training.base import read_export
from rlm_training.datasets import Sample, load
from rlm_training.device import Device, check_memory, estimate
from rlm_training.errors import DataError
from rlm_training.libraries import library
from rlm_training.settings import Settings
from rlm_training.sft import Tell, Watch, arguments, load_base, run
from rlm_training.trained import Trained, check_match, read_trained

Method = Literal["dpo", "kto"]


def train_preferences(
    method: Method, data: Path, base: Path, start: Path, out: Path, settings: Settings, tell: Tell, cancel: Cancel
) -> Trained:
    """Train an adapter further on preferences. `out`, continuing and errors are as in `train_sft`.

    Args:
        data: a dataset of the method's own format.
        start: the folder of the adapter to start from, as PEFT saves it.
    """
    done = read_trained(out)
    if done:
        return done
    export, dataset = read_export(base), load(data)
    check_match(dataset, export)
    if dataset.format != method:
        raise DataError(f"{data} is a dataset for {dataset.format}", remedy=f"Build one with --format {method}")
    model, tokenizer, device = load_base(base)
    samples = dataset.split("train")
    steps = max(1, round(settings.epochs * len(samples)))
    evaluated = (4 if method == "dpo" else 2) * sum(sample.length for sample in samples) * settings.epochs
    needed = estimate(model, device, round(evaluated), 2 * max(sample.length for sample in samples))
    tell(f"{steps} steps on {device.name} in {device.dtype}: {needed}")
    check_memory(needed)
    model = library("peft").PeftModel.from_pretrained(model, start, is_trainable=True)
    good = {s.prompt_ids: s for s in dataset.split("held-out") or samples if s.good}
    watch = Watch(model, tokenizer, list(good.values()), out, settings, tell)
    every = max(1, steps // settings.evaluations)
    started = time.monotonic()
    trainer = _trainer(method, model, tokenizer, samples, out, settings, device, watch.callback(every, cancel), every)
    run(trainer, watch, steps, out, tell)
    cancel.check()
    trained = watch.trained(method, export.name, export.sha256, dataset, time.monotonic() - started)
    trained.save(out)
    return trained


def _trainer(
    method: Method,
    model: Any,
    tokenizer: Any,
    samples: Sequence[Sample],
    out: Path,
    settings: Settings,
    device: Device,
    callback: Any,
    every: int,
) -> Any:
    trl = library("trl")
    shared = {**arguments(out, settings, device, every), "max_length": None, "beta": settings.beta}
    shared["num_train_epochs"] = settings.epochs
    if method == "dpo":
        weights = [1.0, settings.sft_weight]
        config = trl.DPOConfig(**shared, loss_type=["sigmoid", "sft"], loss_weights=weights)
        rows = [
            {"prompt_ids": s.prompt_ids, "chosen_ids": s.completion_ids, "rejected_ids": s.rejected_ids}
            for s in samples
        ]
    else:
        config = trl.KTOConfig(**shared, loss_type="apo_zero_unpaired")  # needs no other sample's completion
        rows = [{"prompt_ids": s.prompt_ids, "completion_ids": s.completion_ids, "label": s.good} for s in samples]
    base: Any = trl.DPOTrainer if method == "dpo" else trl.KTOTrainer

    class OfTokens(base):
        """Takes tokens as they are; TRL would make them from texts."""

        def _prepare_dataset(self, dataset: Any, *_rest: Any, **_named: Any) -> Any:
            return dataset

    return OfTokens(
        model=model,
        args=config,
        train_dataset=library("datasets").Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[callback],
    )
