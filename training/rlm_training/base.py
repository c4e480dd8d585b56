"""The base model for training: GGUF weights converted for transformers, and checked against llama.cpp.

The weights are those that llama.cpp runs, quantization errors included, so an adapter learns to work with them.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from rlm_local.engine.authors.prompt import OPENING, PROMPT_VERSION, Asking
from rlm_training.errors import BaseError
from rlm_training.files import sha256, whole, write_json
from rlm_training.libraries import library
from rlm_training.logits import LlamaLogits, divergence, transformers_logits
from rlm_training.weights import BaseWeights

_MOST_DIVERGENCE = 0.02
"""Nats per token. Both Qwen models and SmolLM2 have 0.001 to 0.005; with a wrong tensor it is 0.1 and more."""

_COMPARED = 192
_CHUNK = 2_000


@dataclass(frozen=True)
class Export:
    """A base model's folder, with weights and a tokenizer for transformers, and how they were checked."""

    name: str
    sha256: str
    """The hash of the GGUF file."""

    divergence: float
    """The divergence of llama.cpp's logits from those of transformers, in nats per token."""

    characters: int
    """How many characters both tokenizers split into the same tokens."""


def export_base(name: str, path: Path, out: Path, tell: Callable[[str], None]) -> Export:
    """Write the folder of a base model, unless it is there already for the same weights.

    Raises:
        BaseError: its tokens or logits are not those of llama.cpp, or its architecture is not known.
        TrainingError: it cannot be written; nothing of it is left.
        ExtraMissingError: the extra `train` is not installed.
    """
    digest = sha256(path)
    known = read_export(out) if (out / "export.json").exists() else None
    if known and known.sha256 == digest:
        return known
    torch, transformers = library("torch"), library("transformers")
    BaseWeights(path)
    tell(f"reading {path.name}")
    settings = {"gguf_file": path.name, "local_files_only": True}
    model = transformers.AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **settings).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, **settings)
    _as_if_never_quantized(model)
    texts = _texts()
    with LlamaLogits(path, most_tokens=_COMPARED) as llama:
        tell("comparing the tokenizers")
        _compare(tokenizer, llama, texts, path)
        tell("comparing the logits")
        apart = max(
            divergence(transformers_logits(model, tokens), llama.of(tokens))
            for tokens in (llama.tokenize(text)[:_COMPARED] for text in texts[:2])
        )
    if apart > _MOST_DIVERGENCE:
        raise BaseError(
            f"the logits of {path} in transformers are {apart:.3f} nats a token from llama.cpp's",
            remedy="Update transformers and gguf, or use another model",
        )
    export = Export(name, digest, apart, sum(map(len, texts)))
    tell(f"writing {out}")
    with whole(out) as made:
        model.save_pretrained(made)
        tokenizer.save_pretrained(made)
        write_json(made / "export.json", asdict(export))
    return export


def read_export(directory: Path) -> Export:
    """The description of an exported base.

    Raises:
        BaseError: the folder is not an exported base.
    """
    try:
        return Export(**cast("dict[str, Any]", json.loads((directory / "export.json").read_text("utf-8"))))
    except (OSError, ValueError, TypeError) as error:
        raise BaseError(f"{directory} is no exported base", remedy="Make one: `rlm-local train export-base`") from error


def _as_if_never_quantized(model: Any) -> None:
    """Remove quantization from the configuration, which still has it; the weights became floats when they were read."""
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False


def _compare(tokenizer: Any, llama: LlamaLogits, texts: Sequence[str], path: Path) -> None:
    """Check that both tokenizers split all texts alike; SmolLM2's gets back the rule for digits that it lost."""
    pieces = [text[start : start + _CHUNK] for text in texts for start in range(0, len(text), _CHUNK)]
    theirs = [llama.tokenize(piece) for piece in pieces]
    if any(_tokens(tokenizer, piece) != tokens for piece, tokens in zip(pieces, theirs, strict=True)):
        pre = library("tokenizers.pre_tokenizers")
        tokenizer.backend_tokenizer.pre_tokenizer = pre.Sequence(
            [pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False, use_regex=True)]
        )
    for piece, tokens in zip(pieces, theirs, strict=True):
        ours = _tokens(tokenizer, piece)
        if ours != tokens:
            place = next((n for n, pair in enumerate(zip(ours, tokens, strict=False)) if len(set(pair)) > 1), 0)
            raise BaseError(
                f"the tokens of {path} in transformers are not llama.cpp's: after "
                f"{tokenizer.decode(ours[:place])[-40:]!r} comes {tokenizer.decode(ours[place : place + 2])!r}",
                remedy="Update transformers and tokenizers, or use another model",
            )


def _tokens(tokenizer: Any, text: str) -> list[int]:
    return cast("list[int]", tokenizer(text, add_special_tokens=False)["input_ids"])


def _texts() -> list[str]:
    """The prompt for programs, and much code and prose (our own sources), with all kinds of numbers and signs."""
    asking = Asking("CREATE TABLE visits ( -- 12 rows\n  day DATE -- 2024-01-02 to 2024-12-19\n);", "How many in 2024?")
    prompt = "\n".join(message.content for message in asking.prompt(OPENING).messages)
    numbers = (
        "2024-11-26 03:15:42 12,345.67 -8e-3 #17 P-10482 0x1f 1/2 ½ 3rd naïve “Straße” 東京 🙂\t\t  x\r\n\r\n\u00a0end"
    )
    root = Path(__file__).parents[2]
    sources = sorted(path for package in ("rlm_local", "policy") for path in (root / package).rglob("*.py"))
    code = [path.read_text("utf-8") for path in sources[:80]]
    return [prompt, f"{PROMPT_VERSION} {numbers} " * 20, *code]
