"""What the conversion refuses, on adapters made by hand: no torch is needed."""

import json
import resource
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

gguf = pytest.importorskip("gguf", reason="gguf is not installed")
safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")

from rlm_local.models.gguf import read_header  # noqa: E402
from rlm_training.convert import to_tensors, write_gguf  # noqa: E402
from rlm_training.errors import BaseError, ConversionError, TrainingError  # noqa: E402
from rlm_training.files import sha256  # noqa: E402
from rlm_training.lora import read_lora  # noqa: E402
from rlm_training.weights import BaseWeights  # noqa: E402

RANK, INPUTS, OUTPUTS = 2, 8, 8
MODULE = "model.layers.0.self_attn.q_proj"


def write_base(path: Path, architecture: str = "qwen2") -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(1)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_tensor("blk.0.attn_q.weight", np.zeros((OUTPUTS, INPUTS), np.float32))
    writer.add_tensor("output_norm.weight", np.zeros(INPUTS, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_adapter(
    directory: Path, *, tensors: Mapping[str, Any] | None = None, module: str = MODULE, **settings: Any
) -> Path:
    directory.mkdir()
    rng = np.random.default_rng(5)
    default = {
        f"base_model.model.{module}.lora_A.weight": rng.normal(size=(RANK, INPUTS)).astype(np.float32),
        f"base_model.model.{module}.lora_B.weight": rng.normal(size=(OUTPUTS, RANK)).astype(np.float32),
    }
    safetensors.save_file(default if tensors is None else dict(tensors), directory / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 4, "bias": "none", **settings}
    (directory / "adapter_config.json").write_text(json.dumps(config))
    return directory


@contextmanager
def full_disk(room: int) -> Generator[None]:
    """A disk with room for files of that many bytes, as far as this process can tell."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_file_says_what_it_is_and_for_which_weights(tmp_path: Path) -> None:
    base = BaseWeights(write_base(tmp_path / "base.gguf"))
    write_gguf(read_lora(write_adapter(tmp_path / "peft")), base, tmp_path / "adapter.gguf")
    assert len(gguf.GGUFReader(tmp_path / "adapter.gguf").tensors) == 2
    header = read_header(tmp_path / "adapter.gguf")
    assert header.metadata == {
        "general.architecture": "qwen2",
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 4.0,
        "rlm_local.base_sha256": sha256(tmp_path / "base.gguf"),
    }


@pytest.mark.parametrize(
    ("settings", "factor"),
    [
        ({}, 1.0),
        ({"use_rslora": True}, RANK**0.5),
        ({"alpha_pattern": {"q_proj": 12}}, 3.0),
        ({"alpha_pattern": {"layers.1.self_attn.q_proj": 12}}, 1.0),
    ],
)
def test_a_scale_that_alpha_and_rank_do_not_say_is_in_b(
    tmp_path: Path, settings: dict[str, Any], factor: float
) -> None:
    base = BaseWeights(write_base(tmp_path / "base.gguf"))
    lora = read_lora(write_adapter(tmp_path / "peft", **settings))
    tensors = to_tensors(lora, base)
    np.testing.assert_allclose(tensors["blk.0.attn_q.weight.lora_b"], lora.pairs[MODULE].b * factor, rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"lora_bias": True}, "biases"),
        ({"bias": "all"}, "trained biases"),
        ({"modules_to_save": ["lm_head"]}, "modules trained whole"),
        ({"trainable_token_indices": [1, 2]}, "trained tokens"),
        ({"layer_replication": [[0, 1]]}, "replicated layers"),
        ({"peft_type": "IA3"}, "IA3 adapters"),
        ({"lora_alpha": None}, "is no adapter's"),
    ],
)
def test_what_gguf_cannot_represent_is_refused(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConversionError, match=said):
        read_lora(write_adapter(tmp_path / "peft", **settings))


A, B = (f"base_model.model.{MODULE}.lora_{side}.weight" for side in "AB")
GOOD_A, GOOD_B = np.ones((RANK, INPUTS), np.float32), np.ones((OUTPUTS, RANK), np.float32)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({}, "holds no matrices"),
        ({A: GOOD_A}, "only one of its two"),
        ({A: GOOD_A, B: np.ones((OUTPUTS, RANK + 1), np.float32)}, "is no product"),
        ({A: GOOD_A, B: GOOD_B * np.nan}, "not finite"),
        ({A: GOOD_A, B: GOOD_B, "base_model.model.lm_head.weight": GOOD_A}, "no matrix of a LoRA"),
        ({A: GOOD_A, B: GOOD_B, A.replace("lora_A", "lora_magnitude_vector"): GOOD_A}, "no matrix of a LoRA"),
    ],
)
def test_damaged_matrices_are_refused(tmp_path: Path, tensors: dict[str, Any], said: str) -> None:
    with pytest.raises(ConversionError, match=said):
        read_lora(write_adapter(tmp_path / "peft", tensors=tensors))


def test_an_incomplete_folder_is_refused(tmp_path: Path) -> None:
    (write_adapter(tmp_path / "peft") / "adapter_model.safetensors").write_bytes(b"cut")
    with pytest.raises(ConversionError, match="cannot be read"):
        read_lora(tmp_path / "peft")
    with pytest.raises(ConversionError, match="is no adapter's"):
        read_lora(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("module", "shape", "said"),
    [
        ("model.layers.0.self_attn.v_proj", (OUTPUTS, INPUTS), "it has no model.layers.0.self_attn.v_proj"),
        ("model.layers.0.strange", (OUTPUTS, INPUTS), "it has no model.layers.0.strange"),
        (MODULE, (OUTPUTS, INPUTS * 2), r"is \(8, 8\) there and \(8, 16\) in the adapter"),
    ],
)
def test_an_adapter_for_another_base_is_refused(tmp_path: Path, module: str, shape: tuple[int, int], said: str) -> None:
    tensors = {
        f"base_model.model.{module}.lora_A.weight": np.ones((RANK, shape[1]), np.float32),
        f"base_model.model.{module}.lora_B.weight": np.ones((shape[0], RANK), np.float32),
    }
    lora = read_lora(write_adapter(tmp_path / "peft", tensors=tensors))
    with pytest.raises(ConversionError, match=said):
        write_gguf(lora, BaseWeights(write_base(tmp_path / "base.gguf")), tmp_path / "adapter.gguf")
    assert not (tmp_path / "adapter.gguf").exists()


def test_an_architecture_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaseError, match="llama, qwen2"):
        BaseWeights(write_base(tmp_path / "base.gguf", "gpt2"))


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    base = BaseWeights(write_base(tmp_path / "base.gguf"))
    lora = read_lora(write_adapter(tmp_path / "peft"))
    (tmp_path / "adapter.gguf").write_bytes(b"an earlier one")
    with full_disk(100), pytest.raises(TrainingError, match="cannot be written"):
        write_gguf(lora, base, tmp_path / "adapter.gguf")
    assert (tmp_path / "adapter.gguf").read_bytes() == b"an earlier one"
    assert {path.name for path in tmp_path.iterdir()} == {"base.gguf", "peft", "adapter.gguf"}
