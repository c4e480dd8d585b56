"""Tiny models with random weights, in transformers and as GGUF files in 32-bit floats."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

VOCABULARY = 96
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "tie_word_embeddings": True,
}


def make_base(architecture: str) -> Any:
    """A random model; its weights are large enough for its logits to differ from token to token."""
    torch.manual_seed(7)
    model = (
        LlamaForCausalLM(LlamaConfig(**_SHAPE)) if architecture == "llama" else Qwen2ForCausalLM(Qwen2Config(**_SHAPE))
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name:
                parameter.normal_(0.0, 0.2)
    return model.eval()


def make_adapter(base: Any, directory: Path, **settings: Any) -> Any:
    """The base under a LoRA whose B is random too, as after training; saved in a folder as PEFT does."""
    config = LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": LINEAR, "task_type": "CAUSAL_LM", **settings})
    model = get_peft_model(base, config)
    torch.manual_seed(11)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0.0, 0.2)
    model.save_pretrained(directory)
    return model.eval()


def write_base(model: Any, architecture: str, path: Path) -> None:
    """The model as a GGUF file without a vocabulary, rotated as llama.cpp wants it."""
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    names = gguf.get_tensor_name_map(
        gguf.MODEL_ARCH.LLAMA if architecture == "llama" else gguf.MODEL_ARCH.QWEN2, config.num_hidden_layers
    )
    for name, parameter in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        values = parameter.float().numpy()
        for part, heads in (("q_proj", config.num_attention_heads), ("k_proj", config.num_key_value_heads)):
            if architecture == "llama" and part in name:
                values = values.reshape(heads, 2, -1, config.hidden_size).swapaxes(1, 2).reshape(values.shape)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def save_base(model: Any, directory: Path, *, sha256: str) -> Path:
    """The model as an exported base, with a tokenizer of a word a token."""
    words = {**{f"w{number}": number for number in range(VOCABULARY - 1)}, "judge:": VOCABULARY - 1}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(words, unk_token="w0")), eos_token="w0", unk_token="w0"
    )
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    export = {"name": "tiny", "sha256": sha256, "divergence": 0.0, "characters": 0}
    (directory / "export.json").write_text(json.dumps(export))
    return directory
