"""Reinforcement on a tiny random model, with rollouts that the tests make."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

for _name in ("torch", "transformers", "trl", "peft", "gguf"):
    pytest.importorskip(_name, reason="the extra `train` is not installed")

from rlm_local.models import Cancel  # noqa: E402
from rlm_training.datasets import Dataset, save  # noqa: E402
from rlm_training.errors import TrainerError  # noqa: E402
from rlm_training.grpo import Roll, Rollout, reward, train_grpo  # noqa: E402
from rlm_training.settings import Settings  # noqa: E402
from tests.training.test_sft import samples, silent  # noqa: E402
from tests.training.tiny import make_adapter, make_base, save_base  # noqa: E402

SETTINGS = Settings(learning_rate=1e-4, epochs=1.0, evaluations=2, patience=9, step_tokens=200, generations=4)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    model = make_base("llama")
    save_base(model, tmp_path / "base", sha256="ab" * 32)
    make_adapter(model, tmp_path / "start")
    rows = samples("train", 4)
    about = {"model_sha256": "ab" * 32}
    save(Dataset("sft", (*rows, *samples("held-out", 2)), Counter(), about), tmp_path / "data")
    prompts = tuple(replace(row, completion_ids=()) for row in rows)
    save(Dataset("grpo", prompts, Counter(), about), tmp_path / "prompts")
    return tmp_path


def train(begun: Path, roll: Roll) -> object:
    folders = (begun / "prompts", begun / "base", begun / "start", begun / "out")
    return train_grpo(*folders, SETTINGS, roll, silent, Cancel())


def test_each_group_is_rolled_out_under_the_adapter_as_it_is(begun: Path) -> None:
    asked: list[tuple[str, int, bool]] = []

    def roll(task: str, n: int, adapter: Path) -> list[Rollout]:
        asked.append((task, n, (adapter / "adapter_model.safetensors").exists()))
        return [Rollout((20, 21, 10), (1 + k % 2, 5), float(k % 2), "count" if k % 2 else "read") for k in range(n)]

    train(begun, roll)
    assert {(n, there) for _, n, there in asked} == {(4, True)}
    assert {task for task, _, _ in asked} == {f"train {n}" for n in range(4)}
    assert (begun / "out" / "training.json").exists()


def test_a_policy_that_decides_all_the_same_is_stopped(begun: Path) -> None:
    def roll(_task: str, n: int, _adapter: Path) -> list[Rollout]:
        return [Rollout((20, 21, 10), (1, 5), 0.5, "count")] * n

    with pytest.raises(TrainerError, match="all rollouts decide count"):
        train(begun, roll)


def test_cost_counts_only_where_a_run_solved() -> None:
    assert reward(1.0, True, 500, 1000) == pytest.approx(0.85)
    assert reward(1.0, True, 9000, 1000) == pytest.approx(0.7)
    assert reward(0.0, False, 9000, 1000) == 0.0
