"""Training on tiny random models: the mechanism, its interruption, and what it refuses."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

for _name in ("torch", "transformers", "trl", "peft", "gguf"):
    pytest.importorskip(_name, reason="the extra `train` is not installed")

import torch  # noqa: E402

from rlm_local.models import Cancel, Cancelled  # noqa: E402
from rlm_training.datasets import Dataset, Sample, save  # noqa: E402
from rlm_training.decisions import find_decisions, measure  # noqa: E402
from rlm_training.errors import DataError, TrainerError  # noqa: E402
from rlm_training.inputs import learned_logits, to_inputs  # noqa: E402
from rlm_training.packing import IGNORED, Pack, Piece, pack  # noqa: E402
from rlm_training.settings import Settings  # noqa: E402
from rlm_training.sft import load_base, train_sft  # noqa: E402
from tests.training.test_convert import full_disk  # noqa: E402
from tests.training.tiny import make_base, save_base  # noqa: E402

SHARED = tuple(range(20, 60))
SETTINGS = Settings(rank=4, alpha=8, learning_rate=1e-2, epochs=6.0, step_tokens=120, evaluations=4, patience=9)


def samples(split: str, n: int) -> list[Sample]:
    """The last token of the prompt says which of two decisions is right."""
    made: list[Sample] = []
    for number in range(n):
        cue = 10 + number % 2
        made.append(
            Sample(
                task=f"{split} {number}",
                group=f"{split} {number}",
                split=split,
                decision="count" if number % 2 else "read",
                prompt_ids=(*SHARED, 61 + number % 20, cue),
                completion_ids=(1 + number % 2, 5),
            )
        )
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(make_base("llama"), tmp_path_factory.mktemp("base") / "tiny", sha256="ab" * 32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    dataset = Dataset("sft", (*samples("train", 24), *samples("held-out", 8)), Counter(), {"model_sha256": "ab" * 32})
    save(dataset, tmp_path / "data")
    return tmp_path / "data"


def silent(_text: str) -> None:
    pass


def test_the_decision_is_learned(base: Path, data: Path, tmp_path: Path) -> None:
    trained = train_sft(data, base, tmp_path / "out", SETTINGS, silent, Cancel())
    assert trained.curve[0].step == 0
    assert trained.best.accuracy == 1.0
    assert (tmp_path / "out" / "adapter" / "adapter_model.safetensors").exists()
    assert train_sft(data, base, tmp_path / "out", SETTINGS, silent, Cancel()) == trained  # it had ended


class Stopped(Exception):  # noqa: N818
    pass


def stop_after(looks: int) -> Callable[[str], None]:
    """Ends the process, as it were, when held-out decisions were looked at so many times."""
    left = [looks]

    def tell(text: str) -> None:
        if text.startswith("step"):
            left[0] -= 1
            if not left[0]:
                raise Stopped

    return tell


def test_training_goes_on_from_where_it_was_interrupted(base: Path, data: Path, tmp_path: Path) -> None:
    whole = train_sft(data, base, tmp_path / "whole", SETTINGS, silent, Cancel())
    with pytest.raises(Stopped):
        train_sft(data, base, tmp_path / "parts", SETTINGS, stop_after(4), Cancel())
    said: list[str] = []
    parts = train_sft(data, base, tmp_path / "parts", SETTINGS, said.append, Cancel())
    assert any(text.startswith("going on from checkpoint") for text in said)
    assert not any(text.startswith("step 0:") for text in said)
    assert [(p.step, p.accuracy) for p in parts.curve] == [(p.step, p.accuracy) for p in whole.curve]


def test_cancelled_training_keeps_what_it_reached(base: Path, data: Path, tmp_path: Path) -> None:
    cancel = Cancel()
    with pytest.raises(Cancelled):
        train_sft(
            data, base, tmp_path / "out", SETTINGS, lambda said: cancel.cancel() if "step 3" in said else None, cancel
        )
    assert [path.name for path in (tmp_path / "out" / "checkpoints").glob("checkpoint-*")] == ["checkpoint-3"]
    assert train_sft(data, base, tmp_path / "out", SETTINGS, silent, Cancel()).ended == "all steps were taken"


def test_training_ends_when_nothing_better_comes(base: Path, data: Path, tmp_path: Path) -> None:
    settings = replace(SETTINGS, learning_rate=0.0, evaluations=6, patience=2)
    trained = train_sft(data, base, tmp_path / "out", settings, silent, Cancel())
    assert trained.ended == "nothing better came in 2 evaluations"
    assert len(trained.curve) == 3


def test_a_base_that_does_not_match_is_refused(base: Path, data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(base, other)
    export = json.loads((other / "export.json").read_text())
    (other / "export.json").write_text(json.dumps({**export, "sha256": "cd" * 32}))
    with pytest.raises(DataError, match="has cdcdcdcdcdcdcdcd"):
        train_sft(data, other, tmp_path / "out", SETTINGS, silent, Cancel())
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_no_number_ends_the_training(base: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match="--set learning_rate="):
        train_sft(data, base, tmp_path / "out", replace(SETTINGS, learning_rate=1e30), silent, Cancel())
    assert not (tmp_path / "out" / "training.json").exists()


@pytest.mark.parametrize("shared", [0, 40])
@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_a_pack_has_the_loss_and_the_gradient_of_its_samples_one_by_one(architecture: str, shared: int) -> None:
    model = make_base(architecture)
    prompts = [(*SHARED[:shared], 61 + number, 10 + number % 2) for number in range(5)]
    pieces = [Piece((*prompt, 1, 5), (*[IGNORED] * len(prompt), 1, 5)) for prompt in prompts]

    def losses(packs: list[Pack]) -> tuple[list[float], list[Any]]:
        model.zero_grad()
        each: list[float] = []
        for one in packs:
            logits, labels = learned_logits(model, to_inputs(one, model))
            lost = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
            lost.sum().backward()
            each += lost.tolist()
        return each, [parameter.grad.clone() for parameter in model.parameters()]

    whole, gradients = losses(pack(pieces, 1000))
    apart, expected = losses([each for piece in pieces for each in pack([piece], 1000)])
    assert whole == pytest.approx(apart, abs=1e-4)
    for gradient, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-3, atol=1e-4)


def test_decisions_are_the_op_and_whether_every_item_is_judged(base: Path) -> None:
    model, tokenizer, _ = load_base(base, "float32")
    judge = tokenizer.convert_tokens_to_ids("judge:")
    prompt = (*SHARED, 10)
    made = [
        Sample("a", "a", "held-out", "count", prompt, (1, judge, 2, 5)),
        Sample("b", "b", "held-out", "MAP", prompt, (1, judge, 3, 7, 8)),
        Sample("c", "c", "held-out", "read", prompt, (4,)),
    ]
    decisions = find_decisions(made, tokenizer)
    assert decisions.kinds == (("op", "judge"), ("op", "judge"), ("op",))
    assert decisions.taken == {"op": {1, 4}, "judge": {2, 3}}
    found = measure(model, decisions, 1000)
    assert found.n == 3
    assert found.right + sum(found.wrong.values()) == 3
    assert found.right <= 1 or found.wrong  # the same state cannot have two decisions right


def test_a_full_disk_is_told_and_training_goes_on_later(base: Path, data: Path, tmp_path: Path) -> None:
    with full_disk(2_000), pytest.raises(TrainerError, match="cannot be written"):
        train_sft(data, base, tmp_path / "out", SETTINGS, silent, Cancel())
    assert not (tmp_path / "out" / "training.json").exists()
    assert train_sft(data, base, tmp_path / "out", SETTINGS, silent, Cancel()).best.accuracy == 1.0
