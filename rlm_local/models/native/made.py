"""Made weights: a model of one layer whose every byte follows from a name.

It has the kinds of matrices that real files have (Q4_K and Q6_K) in shapes that every kernel takes, so that a decode of
it goes the ways that a decode of a real model goes. It says nothing; it only has to come out the same everywhere.
"""

import hashlib
import struct
from pathlib import Path

import numpy as np

WIDTH, WIDE, VOCABULARY = 256, 512, 256
HEADS, KV_HEADS = 4, 2
EPSILON = 1e-5

_F32, _Q4_K, _Q6_K = 0, 12, 14  # of ggml_type
_BLOCK = 256  # elements
_STEP = np.float16(0.0003).tobytes()  # of a Q4_K block: its values are some 0.08 wide
_LEAST = np.float16(0.00225).tobytes()  # so that their mean is about 0
_COARSE = np.float16(0.0004).tobytes()  # of a Q6_K block
_ALIGNMENT = 32

MATRICES = {
    "token_embd.weight": (VOCABULARY, WIDTH, _Q4_K),
    "blk.0.attn_q.weight": (WIDTH, WIDTH, _Q4_K),
    "blk.0.attn_k.weight": (WIDTH * KV_HEADS // HEADS, WIDTH, _Q4_K),
    "blk.0.attn_v.weight": (WIDTH * KV_HEADS // HEADS, WIDTH, _Q6_K),
    "blk.0.attn_output.weight": (WIDTH, WIDTH, _Q4_K),
    "blk.0.ffn_gate.weight": (WIDE, WIDTH, _Q4_K),
    "blk.0.ffn_up.weight": (WIDE, WIDTH, _Q4_K),
    "blk.0.ffn_down.weight": (WIDTH, WIDE, _Q6_K),
    "output.weight": (VOCABULARY, WIDTH, _Q6_K),
}
"""Rows, columns and the ggml type of each; a tensor's first dimension in a file is its columns."""

NORMS = ("blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight")
"""All ones."""

METADATA: dict[str, str | int | float] = {
    "general.architecture": "llama",
    "general.name": "made",
    "llama.block_count": 1,
    "llama.context_length": 512,
    "llama.embedding_length": WIDTH,
    "llama.feed_forward_length": WIDE,
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": KV_HEADS,
    "llama.attention.layer_norm_rms_epsilon": EPSILON,
    "llama.rope.dimension_count": WIDTH // HEADS,
    "llama.vocab_size": VOCABULARY,
    "tokenizer.ggml.model": "none",
}


def quantized(name: str) -> bytes:
    """The blocks of a matrix, row after row."""
    rows, columns, kind = MATRICES[name]
    count = rows * columns // _BLOCK
    noise = hashlib.shake_256(name.encode())
    if kind == _Q4_K:  # scale, least, 12 bytes of packed scales, 128 of nibbles: 144 bytes
        drawn = noise.digest(140 * count)
        return b"".join(_STEP + _LEAST + drawn[140 * place : 140 * (place + 1)] for place in range(count))
    drawn = noise.digest(208 * count)  # 192 bytes of 6-bit values, 16 scales, and the scale of these: 210 bytes
    parts = (drawn[208 * place : 208 * (place + 1)] for place in range(count))
    return b"".join(part[:192] + bytes(1 + scale % 16 for scale in part[192:]) + _COARSE for part in parts)


def write(path: Path) -> None:
    """The model as a GGUF file, half a megabyte."""
    tensors = [(name, [WIDTH], _F32, np.ones(WIDTH, np.float32).tobytes()) for name in NORMS]
    tensors += [(name, [columns, rows], kind, quantized(name)) for name, (rows, columns, kind) in MATRICES.items()]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(METADATA))
    head += b"".join(_entry(key, value) for key, value in METADATA.items())
    body = b""
    for name, shape, kind, data in tensors:
        head += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(body))
        body += _padded(data)
    path.write_bytes(_padded(head) + body)


def _entry(key: str, value: str | int | float) -> bytes:
    match value:
        case str():
            return _text(key) + struct.pack("<I", 8) + _text(value)
        case int():
            return _text(key) + struct.pack("<II", 4, value)
        case float():
            return _text(key) + struct.pack("<If", 6, value)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)
