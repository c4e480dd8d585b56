"""Made GGUF files, one for each architecture of the catalog: four small layers of random weights, a vocabulary of
bytes and the family's special tokens, and its own chat template. They say nothing; they only have to be consistent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter, TokenType

TEMPLATES = Path(__file__).parent / "templates"
WIDTH, HEADS, KV_HEADS, HEAD, WIDE, LAYERS, WINDOW, EXPERTS = 64, 4, 2, 16, 96, 4, 8, 4

Shape = tuple[int, ...]


def bytes_as_text() -> list[str]:
    """The characters that byte-level BPE has for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = {byte: 256 + place for place, byte in enumerate(byte for byte in range(256) if byte not in plain)}
    return [chr(others.get(byte, byte)) for byte in range(256)]


@dataclass(frozen=True)
class Made:
    """What is special about the files of an architecture: metadata, and the tensors of a layer beside the usual ones.

    Attributes:
        special: the special tokens; the first ends a turn.
        without: usual tensors that it has not.
        tensors: others, or of another shape, by name; `{layer}` is the layer's number. Shapes as llama.cpp has them.
    """

    architecture: str
    template: str
    special: tuple[str, ...]
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    without: tuple[str, ...] = ()
    tensors: dict[str, Shape] = field(default_factory=dict[str, Shape])

    @cached_property
    def chat_template(self) -> str:
        return (TEMPLATES / f"{self.template}.jinja").read_text()

    def write(self, path: Path) -> Path:
        """The file, always with the same weights."""
        writer = GGUFWriter(path, self.architecture)
        writer.add_block_count(LAYERS)
        writer.add_context_length(2048)
        writer.add_embedding_length(WIDTH)
        writer.add_feed_forward_length(WIDE)
        writer.add_head_count(HEADS)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_rope_dimension_count(HEAD)
        if "attention.head_count_kv" not in self.metadata:
            writer.add_head_count_kv(KV_HEADS)
        for key, value in self.metadata.items():
            _add(writer, f"{self.architecture}.{key}", value)
        tokens = [*bytes_as_text(), "\u0120t", *self.special]
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("qwen2")
        writer.add_token_list(tokens)
        writer.add_token_types([TokenType.NORMAL] * 257 + [TokenType.CONTROL] * len(self.special))
        writer.add_token_merges(["\u0120 t"])
        writer.add_eos_token_id(257)
        writer.add_bos_token_id(257)
        writer.add_add_bos_token(False)
        writer.add_chat_template(self.chat_template)
        random = np.random.default_rng(1)
        for name, shape in self._shapes(len(tokens)).items():
            writer.add_tensor(name, _weights(random, name, shape))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    def _shapes(self, vocabulary: int) -> dict[str, Shape]:
        layer = {
            "attn_norm.weight": (WIDTH,),
            "attn_q.weight": (WIDTH, HEADS * HEAD),
            "attn_k.weight": (WIDTH, KV_HEADS * HEAD),
            "attn_v.weight": (WIDTH, KV_HEADS * HEAD),
            "attn_output.weight": (HEADS * HEAD, WIDTH),
            "ffn_norm.weight": (WIDTH,),
            "ffn_gate.weight": (WIDTH, WIDE),
            "ffn_up.weight": (WIDTH, WIDE),
            "ffn_down.weight": (WIDE, WIDTH),
        }
        shapes: dict[str, Shape] = {
            "token_embd.weight": (WIDTH, vocabulary),
            "output_norm.weight": (WIDTH,),
            "output.weight": (WIDTH, vocabulary),
        }
        shapes = {name: shape for name, shape in shapes.items() if name not in self.without}
        for number in range(LAYERS):
            own = {name: shape for name, shape in layer.items() if name not in self.without}
            shapes |= {f"blk.{number}.{name}": shape for name, shape in own.items()}
            for name, shape in self.tensors.items():
                if "{layer}" in name:
                    shapes[name.format(layer=number)] = shape
        shapes |= {
            name: tuple(vocabulary if size < 0 else size for size in shape)
            for name, shape in self.tensors.items()
            if "{layer}" not in name
        }
        return shapes


def _add(writer: GGUFWriter, key: str, value: Any) -> None:
    match value:
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
        case str():
            writer.add_string(key, value)
        case _:
            writer.add_array(key, list(value))


def _weights(random: np.random.Generator, name: str, shape: Sequence[int]) -> np.ndarray:
    if "norm" in name or "rope" in name or "scale" in name:
        return (1 + 0.1 * random.standard_normal(shape[::-1])).astype(np.float32)
    fan = 1 if name.endswith("bias") or name.startswith("token_embd") else shape[0]
    sharp = 3 if "attn_q" in name or "attn_k" in name else 1  # so that attention is to some tokens more than to others
    return (sharp * random.standard_normal(shape[::-1]) / fan**0.5).astype(np.float32)


_CHATML = ("<|im_end|>", "<|im_start|>", "<|endoftext|>", "<think>", "</think>")
_BIASES: dict[str, Shape] = {
    "blk.{layer}.attn_q.bias": (HEADS * HEAD,),
    "blk.{layer}.attn_k.bias": (KV_HEADS * HEAD,),
    "blk.{layer}.attn_v.bias": (KV_HEADS * HEAD,),
}
_NORMS: dict[str, Shape] = {"blk.{layer}.attn_q_norm.weight": (HEAD,), "blk.{layer}.attn_k_norm.weight": (HEAD,)}
_WIDTHS = {"attention.key_length": HEAD, "attention.value_length": HEAD}
_DENSE = ("ffn_gate.weight", "ffn_up.weight", "ffn_down.weight")
_EXPERTS: dict[str, Shape] = {
    "blk.{layer}.ffn_gate_inp.weight": (WIDTH, EXPERTS),
    "blk.{layer}.ffn_gate_exps.weight": (WIDTH, 32, EXPERTS),
    "blk.{layer}.ffn_up_exps.weight": (WIDTH, 32, EXPERTS),
    "blk.{layer}.ffn_down_exps.weight": (32, WIDTH, EXPERTS),
}
_SOME = {"expert_count": EXPERTS, "expert_used_count": 2, "expert_feed_forward_length": 32}
_PER_LAYER = 8

ARCHITECTURES = (
    Made("qwen2", "qwen2.5", _CHATML[:3], tensors=_BIASES),
    Made("qwen3", "qwen3", _CHATML, _WIDTHS, tensors=_NORMS),
    Made("qwen3moe", "qwen3-coder", _CHATML[:3], {**_WIDTHS, **_SOME}, _DENSE, {**_NORMS, **_EXPERTS}),
    Made(
        "phi3",
        "phi-4-mini",
        ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>"),
        {"rope.scaling.original_context_length": 2048},
        without=("ffn_gate.weight",),
        tensors={"blk.{layer}.ffn_up.weight": (WIDTH, 2 * WIDE)},
    ),
    Made(
        "mistral3",
        "ministral-3",
        ("</s>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]"),
        {**_WIDTHS, "attention.temperature_scale": 0.1, "rope.scaling.original_context_length": 16},
    ),
    Made(
        "granite",
        "granite-4.1",
        ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"),
        {"logit_scale": 1.0, "residual_scale": 0.5, "embedding_scale": 2.0, "attention.scale": 0.25},
    ),
    Made("smollm3", "smollm3", _CHATML),
    Made(
        "gpt-oss",
        "gpt-oss",
        ("<|return|>", "<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|call|>", "<|constrain|>"),
        {**_WIDTHS, **_SOME, "attention.sliding_window": WINDOW},
        (*_DENSE, "ffn_norm.weight"),
        {
            **_BIASES,
            **_EXPERTS,
            "blk.{layer}.post_attention_norm.weight": (WIDTH,),
            "blk.{layer}.attn_output.bias": (WIDTH,),
            "blk.{layer}.attn_sinks.weight": (HEADS,),
            "blk.{layer}.ffn_gate_inp.bias": (EXPERTS,),
            "blk.{layer}.ffn_gate_exps.bias": (32, EXPERTS),
            "blk.{layer}.ffn_up_exps.bias": (32, EXPERTS),
            "blk.{layer}.ffn_down_exps.bias": (WIDTH, EXPERTS),
        },
    ),
    Made(
        "gemma4",
        "gemma-4",
        ("<turn|>", "<|turn>", "<|channel>", "<channel|>", "<|think|>", "<bos>"),
        {
            **_WIDTHS,
            "attention.key_length_swa": HEAD,
            "attention.value_length_swa": HEAD,
            "attention.sliding_window": WINDOW,
            "attention.sliding_window_pattern": [True, False, True, False],
            "attention.shared_kv_layers": 2,
            "embedding_length_per_layer_input": _PER_LAYER,
            "final_logit_softcapping": 30.0,
        },
        tensors={
            **_NORMS,
            "blk.{layer}.post_attention_norm.weight": (WIDTH,),
            "blk.{layer}.post_ffw_norm.weight": (WIDTH,),
            "blk.{layer}.inp_gate.weight": (WIDTH, _PER_LAYER),
            "blk.{layer}.proj.weight": (_PER_LAYER, WIDTH),
            "blk.{layer}.post_norm.weight": (WIDTH,),
            "per_layer_token_embd.weight": (_PER_LAYER * LAYERS, -1),
            "per_layer_model_proj.weight": (WIDTH, _PER_LAYER * LAYERS),
            "per_layer_proj_norm.weight": (_PER_LAYER,),
            "rope_freqs.weight": (HEAD // 2,),
        },
    ),
)
"""Those of the catalog, but for llama, of which there is a real small model."""

HYBRID = Made(
    "lfm2",
    "qwen2.5",
    _CHATML[:3],
    {"shortconv.l_cache": 3, "attention.head_count_kv": [0, KV_HEADS, 0, KV_HEADS]},
    without=("output_norm.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight"),
    tensors={
        "token_embd_norm.weight": (WIDTH,),
        **{
            f"blk.{layer}.{name}": shape
            for layer in (1, 3)
            for name, shape in {
                "attn_q.weight": (WIDTH, HEADS * HEAD),
                "attn_k.weight": (WIDTH, KV_HEADS * HEAD),
                "attn_v.weight": (WIDTH, KV_HEADS * HEAD),
                "attn_output.weight": (HEADS * HEAD, WIDTH),
                "attn_q_norm.weight": (HEAD,),
                "attn_k_norm.weight": (HEAD,),
            }.items()
        },
        **{
            f"blk.{layer}.shortconv.{name}": shape
            for layer in (0, 2)
            for name, shape in {
                "conv.weight": (3, WIDTH),
                "in_proj.weight": (WIDTH, 3 * WIDTH),
                "out_proj.weight": (WIDTH, WIDTH),
            }.items()
        },
    },
)
"""Two layers of short convolutions, which carry a state, and two of attention."""
