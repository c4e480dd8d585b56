"""Rollouts for reinforcement: drawn looks of a scripted model, run in the real engine and sandbox."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from rlm_local.engine.engine import Engine
from rlm_local.log import RunStore
from rlm_local.models import Cancel, Cancelled, resolve
from rlm_sandbox import Image
from rlm_training.errors import DataError
from rlm_training.rollouts import EngineRollouts
from rlm_training.steer import steerable
from rlm_training.workbench import Workbench
from tests.training.test_collect import programs, task
from tests.training.test_convert import write_adapter, write_base


class Adapters:
    """Of llama.cpp only what loads adapters; it keeps their names and sizes."""

    def __init__(self) -> None:
        self.loaded: list[tuple[str, int]] = []

    def load_adapter(self, name: str, path: Path) -> None:
        self.loaded.append((name, path.stat().st_size))


@pytest.fixture
def bench(image: Image, tmp_path: Path) -> Iterator[Workbench]:
    model, store = (
        steerable(programs("tables")),
        RunStore(tmp_path / "log"),
    )
    spec = replace(resolve("smollm2-135m"), sha256="ab" * 32)
    with Engine.of(spec, model, image, store) as engine:
        yield Workbench(spec, cast("Any", Adapters()), model, store, engine, cast("Any", None), {})


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "adapter")


def roll(bench: Workbench, tmp_path: Path, cancel: Cancel) -> EngineRollouts:
    tasks = dict([task(1, "train"), task(2, "train")])
    return EngineRollouts(bench, write_base(tmp_path / "base.gguf"), tasks, 40_000, cancel)


def test_a_group_is_sampled_run_and_rewarded(bench: Workbench, adapter: Path, tmp_path: Path) -> None:
    group = roll(bench, tmp_path, Cancel())("task 1", 3, adapter)
    assert len({each.prompt_ids for each in group}) == 1
    assert len({each.decision for each in group}) > 1
    assert len({each.completion_ids for each in group}) == len({each.decision for each in group})
    assert all(each.completion_ids for each in group)
    solved = [each.reward for each in group if each.decision == "tables" and each.reward > 0.5]
    assert solved
    assert all(0 <= each.reward < 1 for each in group)
    [(name, size)] = cast("Adapters", bench.llama).loaded
    assert name == "rolling"
    assert size > 0


def test_a_task_that_was_not_collected_is_named(bench: Workbench, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="task 9"):
        roll(bench, tmp_path, Cancel())("task 9", 1, adapter)


def test_rollouts_end_when_they_are_cancelled(bench: Workbench, adapter: Path, tmp_path: Path) -> None:
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(Cancelled):
        roll(bench, tmp_path, cancel)("task 1", 1, adapter)
