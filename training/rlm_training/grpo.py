"""Reinforcement: GRPO with rollouts in our own engine and sandbox, under the current adapter.

A rollout is a whole run whose look is drawn from the model's probabilities. The look is learned; programs are written
as usual. The reward is the score, minus a price for what the run cost if it solved the task. GRPO collapses easily: a
group whose rollouts all have the same result teaches nothing, and one look for everything earns something. So held-out
decisions are watched as in all training, and it ends when only one look is left.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_local.models import Cancel
from rlm_training.base import read_export
from rlm_training.datasets import load
from rlm_training.device import Device, check_memory, estimate
from rlm_training.errors import DataError, TrainerError
from rlm_training.libraries import library
from rlm_training.settings import Settings
from rlm_training.sft import Tell, Watch, arguments, load_base, run
from rlm_training.trained import Trained, check_match, read_trained

PRICE = 0.3
"""What a run that solved the task, and spent its whole budget on it, loses of its reward."""

_COLLAPSED = 0.98
_REMEMBERED = 4  # groups


@dataclass(frozen=True)
class Rollout:
    """The look that was drawn for one run, in tokens, and the run's reward."""

    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    reward: float
    decision: str


Roll = Callable[[str, int, Path], list[Rollout]]
"""Rolls out a task several times under an adapter, given as a folder that PEFT wrote."""


def reward(score: float, solved: bool, tokens: int, budget: int) -> float:
    """The score; if the run solved the task, minus up to `PRICE` for the share of the budget that it spent."""
    return score - PRICE * min(1.0, tokens / budget) * solved


def train_grpo(
    data: Path, base: Path, start: Path, out: Path, settings: Settings, roll: Roll, tell: Tell, cancel: Cancel
) -> Trained:
    """Train an adapter further by reinforcement. `out`, continuing and errors are as in `train_sft`.

    Args:
        data: a dataset of the format "grpo": the tasks to roll out.
        start: the folder of the adapter to start from.

    Raises:
        TrainerError: all rollouts of the last groups decided the same.
    """
    done = read_trained(out)
    if done:
        return done
    export, dataset = read_export(base), load(data)
    check_match(dataset, export)
    if dataset.format != "grpo":
        raise DataError(f"{data} is a dataset for {dataset.format}", remedy="Build one with --format grpo")
    model, tokenizer, device = load_base(base)
    samples = dataset.split("train")
    steps = max(1, round(settings.epochs * len(samples)))
    longest = settings.generations * max(sample.length for sample in samples)
    needed = estimate(model, device, steps * longest, longest)
    tell(f"{steps} steps of {settings.generations} rollouts on {device.name} in {device.dtype}: {needed}, and the runs")
    check_memory(needed)
    model = library("peft").PeftModel.from_pretrained(model, start, is_trainable=True)
    sft = load(data.parent / "data") if (data.parent / "data" / "report.json").exists() else dataset
    held_out = [sample for sample in sft.split("held-out") or sft.samples if sample.completion_ids]
    if not held_out:
        raise DataError(
            "there are no held-out decisions to watch", remedy=f"Build the sft dataset as {data.parent}/data"
        )
    watch = Watch(model, tokenizer, held_out, out, settings, tell)
    every = max(1, steps // settings.evaluations)
    started = time.monotonic()
    rollouts = _Rollouts(roll, model, out / "rolling", settings.generations, {s.decision for s in samples}, tell)
    trainer = _trainer(model, tokenizer, samples, out, settings, device, watch.callback(every, cancel), rollouts, every)
    run(trainer, watch, steps, out, tell)
    cancel.check()
    trained = watch.trained("grpo", export.name, export.sha256, dataset, time.monotonic() - started)
    trained.save(out)
    return trained


class _Rollouts:
    """TRL's `rollout_func`: prompts are names of tasks, each repeated once for every rollout of its group."""

    def __init__(self, roll: Roll, model: Any, folder: Path, size: int, decisions: set[str], tell: Tell) -> None:
        self._roll, self._model, self._folder, self._size, self._tell = roll, model, folder, size, tell
        self._several = len(decisions) > 1
        self._last: deque[Counter[str]] = deque(maxlen=_REMEMBERED)

    def __call__(self, prompts: Sequence[str], _trainer: Any) -> dict[str, Any]:
        if len(prompts) % self._size or any(
            len(set(prompts[at : at + self._size])) > 1 for at in range(0, len(prompts), self._size)
        ):
            raise TrainerError("prompts came in groups of another size than the rollouts'", remedy="Update trl")
        self._model.save_pretrained(self._folder, selected_adapters=["default"])
        rolled: list[Rollout] = []
        for task in prompts[:: self._size]:
            group = self._roll(task, self._size, self._folder)
            rolled += group
            self._watch(task, group)
        return {
            "prompt_ids": [list(each.prompt_ids) for each in rolled],
            "completion_ids": [list(each.completion_ids) for each in rolled],
            "logprobs": None,
            "earned": [each.reward for each in rolled],
        }

    def _watch(self, task: str, group: Sequence[Rollout]) -> None:
        """Raises TrainerError if all rollouts of the last groups decided the same."""
        self._last.append(Counter(each.decision for each in group))
        earned = sum(each.reward for each in group) / len(group)
        self._tell(f"rollouts of {task}: {dict(self._last[-1])}, {earned:.2f} earned")
        seen = sum(self._last, Counter[str]())
        if self._several and len(self._last) == _REMEMBERED and max(seen.values()) > _COLLAPSED * seen.total():
            raise TrainerError(
                f"all rollouts decide {seen.most_common(1)[0][0]}: the policy collapsed",
                remedy="Train with a lower learning_rate or a higher beta; the best adapter before is kept",
            )


def _earned(completions: Sequence[str], earned: Sequence[float], **_columns: Any) -> list[float]:  # noqa: ARG001
    return list(earned)


def _trainer(
    model: Any,
    tokenizer: Any,
    samples: Sequence[Any],
    out: Path,
    settings: Settings,
    device: Device,
    callback: Any,
    rollouts: Any,
    every: int,
) -> Any:
    trl = library("trl")
    shared = {**arguments(out, settings, device, every), "num_train_epochs": settings.epochs}
    shared["per_device_train_batch_size"] = settings.generations
    config = trl.GRPOConfig(
        **shared, num_generations=settings.generations, beta=settings.beta, temperature=1.0, max_completion_length=256
    )
    return trl.GRPOTrainer(
        model=model,
        reward_funcs=_earned,
        args=config,
        train_dataset=library("datasets").Dataset.from_list([{"prompt": sample.task} for sample in samples]),
        processing_class=tokenizer,
        rollout_func=rollouts,
        callbacks=[callback],
    )
