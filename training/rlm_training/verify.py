"""Checks that an adapter does the same in llama.cpp as in PEFT, by their logits over the base in 32-bit floats."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rlm_training.base import read_export
from rlm_training.convert import write_gguf
from rlm_training.datasets import Sample
from rlm_training.errors import ConversionError
from rlm_training.files import sha256
from rlm_training.libraries import library
from rlm_training.logits import LlamaLogits, divergence, transformers_logits
from rlm_training.lora import read_lora
from rlm_training.sft import Tell
from rlm_training.weights import BaseWeights

MOST_DIVERGENCE = 1e-4
"""Nats per token. Correct adapters have 1e-6; one with rows in the wrong order has 0.1, and still decides well."""

_COMPARED = 256


def convert(adapter: Path, weights: Path, out: Path, tell: Tell) -> None:
    """Write the adapter in a folder that PEFT made as a GGUF file for these weights.

    Raises:
        ConversionError: GGUF cannot represent it, or it is not for these weights.
    """
    tell(f"converting {adapter}")
    write_gguf(read_lora(adapter), BaseWeights(weights), out)


def verify(adapter: Path, converted: Path, base: Path, weights: Path, samples: list[Sample], tell: Tell) -> float:
    """The divergence of llama.cpp's logits from PEFT's, in nats a token, on the ends of two prompts.

    llama.cpp gets a temporary copy of the base without quantization, because the effect of quantization on activations
    would hide small errors. The copy takes four bytes per parameter on the disk, and twice that in memory.

    Raises:
        ConversionError: they differ, or the weights are not those of the base.
    """
    export = read_export(base)
    if export.sha256 != sha256(weights):
        raise ConversionError(f"{weights} is not what {base} was exported from", remedy="Export the base again")
    prompts = [[*sample.prompt_ids, *sample.completion_ids][-_COMPARED:] for sample in samples[:2]]
    tell("comparing the logits with PEFT's")
    reference = [transformers_logits(_adapted(base, adapter), prompt) for prompt in prompts]
    with TemporaryDirectory(dir=converted.parent, prefix=".verify-") as folder:
        plain = Path(folder) / "base.gguf"
        BaseWeights(weights).write_float(plain)
        unbound = Path(folder) / "adapter.gguf"  # the same tensors; the copy has another hash
        write_gguf(read_lora(adapter), BaseWeights(plain), unbound)
        with LlamaLogits(plain, most_tokens=_COMPARED) as llama:
            llama.adapt(unbound)
            apart = max(divergence(peft, llama.of(tokens)) for peft, tokens in zip(reference, prompts, strict=True))
    if apart > MOST_DIVERGENCE:
        raise ConversionError(
            f"{converted} is {apart:.2g} nats a token from the adapter in PEFT", remedy="Report it: it should not be"
        )
    return apart


def _adapted(base: Path, adapter: Path) -> Any:
    torch = library("torch")
    model = library("transformers").AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, local_files_only=True
    )
    return library("peft").PeftModel.from_pretrained(model, adapter).eval()
