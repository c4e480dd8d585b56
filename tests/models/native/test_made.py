from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, quants

from rlm_local.models.gguf import read_header
from rlm_local.models.native import made
from rlm_local.models.native.child import NEXT, PROMPT
from rlm_local.models.native.trial import EXPECTED


def matrix(name: str) -> np.ndarray:
    rows, _, kind = made.MATRICES[name]
    blocks = np.frombuffer(made.quantized(name), np.uint8).reshape(rows, -1)
    return quants.dequantize(blocks, GGMLQuantizationType(kind))


def normed(values: np.ndarray) -> np.ndarray:
    return values / np.sqrt((values**2).mean(-1, keepdims=True) + made.EPSILON)


def turned(heads: np.ndarray) -> np.ndarray:
    """Rotary positions over (tokens, heads, width): neighbouring values are a pair."""
    tokens, _, width = heads.shape
    angle = np.arange(tokens)[:, None] * 10_000.0 ** (-np.arange(0, width, 2) / width)
    pairs = (heads[..., 0::2] + 1j * heads[..., 1::2]) * np.exp(1j * angle)[:, None, :]
    return np.stack([pairs.real, pairs.imag], -1).reshape(heads.shape)


def logits(tokens: list[int]) -> np.ndarray:
    """What the made model says after the last token, in plain arithmetic."""
    x = matrix("token_embd.weight")[tokens]
    inner = normed(x)
    width = made.WIDTH // made.HEADS
    q, k, v = (
        (inner @ matrix(f"blk.0.attn_{kind}.weight").T).reshape(len(tokens), -1, width) for kind in ("q", "k", "v")
    )
    shared = made.HEADS // made.KV_HEADS
    q, k, v = turned(q), turned(k).repeat(shared, 1), v.repeat(shared, 1)
    scores = np.einsum("qhw,khw->hqk", q, k) / np.sqrt(width)
    scores = np.where(np.tri(len(tokens), dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    x = x + np.einsum("hqk,khw->qhw", weights, v).reshape(len(tokens), -1) @ matrix("blk.0.attn_output.weight").T
    inner = normed(x)
    gate, up = inner @ matrix("blk.0.ffn_gate.weight").T, inner @ matrix("blk.0.ffn_up.weight").T
    x = x + (gate / (1 + np.exp(-gate)) * up) @ matrix("blk.0.ffn_down.weight").T
    return (normed(x) @ matrix("output.weight").T)[-1]


def test_the_expected_logits_are_those_of_plain_arithmetic_with_activations_in_8_bits():
    for tokens, expected in zip(([*PROMPT], [*PROMPT, NEXT]), EXPECTED, strict=True):
        assert np.abs(logits(tokens)[: len(expected)] - expected).max() < 0.1


def test_the_file_is_a_whole_gguf(tmp_path: Path):
    made.write(tmp_path / "made.gguf")
    header = read_header(tmp_path / "made.gguf")
    assert (header.architecture, header.layers) == ("llama", 1)


def test_it_is_the_same_each_time(tmp_path: Path):
    made.write(tmp_path / "one")
    made.write(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
