"""The adapter in llama.cpp does what it does in PEFT."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
for _name in ("peft", "transformers", "gguf"):
    pytest.importorskip(_name, reason="the extra `train` is not installed")

from rlm_training.convert import write_gguf  # noqa: E402
from rlm_training.logits import LlamaLogits, divergence, transformers_logits  # noqa: E402
from rlm_training.lora import Pair, read_lora  # noqa: E402
from rlm_training.weights import BaseWeights  # noqa: E402
from tests.training.tiny import LINEAR, VOCABULARY, make_adapter, make_base, write_base  # noqa: E402

TOKENS = [int(n) for n in np.random.default_rng(3).integers(0, VOCABULARY, 48)]
SETTINGS = {
    "plain": {},
    "rank-stabilised": {"use_rslora": True},
    "ranks and alphas of their own": {"rank_pattern": {"q_proj": 6}, "alpha_pattern": {"layers.0.mlp.up_proj": 24}},
    "attention alone": {"target_modules": LINEAR[:4]},
}


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_adapter_in_llama_cpp_is_that_of_peft(
    architecture: str, settings: dict[str, object], tmp_path: Path
) -> None:
    base = make_base(architecture)
    write_base(base, architecture, tmp_path / "base.gguf")
    alone = transformers_logits(base, TOKENS)
    adapted = transformers_logits(make_adapter(base, tmp_path / "peft", **settings), TOKENS)
    write_gguf(read_lora(tmp_path / "peft"), BaseWeights(tmp_path / "base.gguf"), tmp_path / "adapter.gguf")
    with LlamaLogits(tmp_path / "base.gguf") as llama:
        assert divergence(alone, llama.of(TOKENS)) < 1e-4
        llama.adapt(tmp_path / "adapter.gguf")
        assert divergence(adapted, llama.of(TOKENS)) < 1e-4
    assert divergence(adapted, alone) > 0.1  # so that an adapter that does nothing would have failed


def test_an_adapter_whose_rows_are_not_rotated_fails(tmp_path: Path) -> None:
    base = make_base("llama")
    write_base(base, "llama", tmp_path / "base.gguf")
    adapted = transformers_logits(make_adapter(base, tmp_path / "peft"), TOKENS)
    lora = read_lora(tmp_path / "peft")
    weights = BaseWeights(tmp_path / "base.gguf")

    def undone(module: str, pair: Pair) -> Pair:
        """The pair with its rows so that `write_gguf` puts them back as PEFT has them."""
        heads = {"q_proj": weights.heads, "k_proj": weights.kv_heads}.get(module.rpartition(".")[2])
        if heads is None:
            return pair
        rows, rank = pair.b.shape
        return replace(pair, b=pair.b.reshape(heads, rows // heads // 2, 2, rank).swapaxes(1, 2).reshape(rows, rank))

    wrong = replace(lora, pairs={module: undone(module, pair) for module, pair in lora.pairs.items()})
    write_gguf(wrong, weights, tmp_path / "wrong.gguf")
    with LlamaLogits(tmp_path / "base.gguf") as llama:
        llama.adapt(tmp_path / "wrong.gguf")
        assert divergence(adapted, llama.of(TOKENS)) > 1e-3
