"""Preferences on a tiny random model: the mechanism, and that worse decisions are not kept."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

for _name in ("torch", "transformers", "trl", "peft", "gguf"):
    pytest.importorskip(_name, reason="the extra `train` is not installed")

from rlm_local.models import Cancel  # noqa: E402
from rlm_training.datasets import Dataset, save  # noqa: E402
from rlm_training.errors import DataError  # noqa: E402
from rlm_training.preferences import Method, train_preferences  # noqa: E402
from rlm_training.settings import Settings  # noqa: E402
from tests.training.test_sft import samples, silent  # noqa: E402
from tests.training.tiny import make_adapter, make_base, save_base  # noqa: E402

SETTINGS = Settings(learning_rate=3e-3, epochs=2.0, evaluations=3, patience=9, step_tokens=200)


def made(method: Method, directory: Path) -> Path:
    rows = [*samples("train", 8), *samples("held-out", 4)]
    if method == "dpo":
        rows = [replace(row, rejected_ids=(3 - row.completion_ids[0], 5)) for row in rows]
    else:
        rows += [replace(row, completion_ids=(3 - row.completion_ids[0], 5), good=False) for row in rows]
    save(Dataset(method, tuple(rows), Counter(), {"model_sha256": "ab" * 32}), directory)
    return directory


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_the_adapter_with_the_best_decisions_is_kept(method: Method, tmp_path: Path) -> None:
    model = make_base("llama")
    base = save_base(model, tmp_path / "base", sha256="ab" * 32)
    make_adapter(model, tmp_path / "start")
    data = made(method, tmp_path / "data")
    trained = train_preferences(method, data, base, tmp_path / "start", tmp_path / "out", SETTINGS, silent, Cancel())
    assert trained.method == method
    assert trained.curve[0].step == 0
    assert trained.curve[-1].step == (16 if method == "dpo" else 32)
    assert trained.best.accuracy == max(point.accuracy for point in trained.curve)
    assert {path.name for path in (tmp_path / "out" / "adapter").iterdir()} >= {"adapter_model.safetensors"}


def test_a_dataset_of_another_format_is_refused(tmp_path: Path) -> None:
    base = save_base(make_base("llama"), tmp_path / "base", sha256="ab" * 32)
    data = made("kto", tmp_path / "data")
    with pytest.raises(DataError, match="is a dataset for kto"):
        train_preferences("dpo", data, base, tmp_path, tmp_path / "out", SETTINGS, silent, Cancel())
