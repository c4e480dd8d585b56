"""What tells that a family of models is supported: prompts that share a beginning, decoded together, are answered as
each of them is alone, in a sequence of its own.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rlm_local.models import CATALOG, LlamaEngine, Message, Prompt
from rlm_local.models.errors import LoadError
from rlm_local.models.gguf import read_header
from rlm_local.models.llama import Batch, Context, Weights
from rlm_local.models.logits import log_sum_exp
from tests.models.architectures import ARCHITECTURES, HYBRID, Made

OPTIONS = ("yes", "no", "maybe")
ITEMS = ("The boat left.", "The boat stayed in the harbour.", "Nobody saw it.", "It rained all day and all night.")
FEW_SHOT = "Say whether the boat left. Examples: it sailed: yes; it lies at the quay: no."
CLOSE = 0.02  # of log probabilities: batches of another shape, keys and values in 16 bits


def prompts() -> list[Prompt]:
    return [Prompt((Message("system", FEW_SHOT), Message("user", item)), fixed=(1,)) for item in ITEMS]


@pytest.fixture(scope="module", params=ARCHITECTURES, ids=lambda made: made.architecture)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    chosen: Made = request.param
    return chosen.write(tmp_path_factory.mktemp("made") / f"{chosen.architecture}.gguf")


@pytest.fixture(scope="module")
def engine(made: Path):
    with LlamaEngine(made, name=made.stem, n_ctx=2048, threads=1) as engine:
        yield engine


def alone(path: Path, tokens: Sequence[int], reply: Sequence[int]) -> np.ndarray:
    """Log probabilities of all tokens after a prompt, and after each token of a reply, in one plain sequence."""
    weights = Weights(path)
    context = Context(weights, cells=1024, sequences=1, batch=512, threads=1)
    batch, rows = Batch(512), list[np.ndarray]()
    position = 0
    for part in (tokens, *([token] for token in reply)):
        batch.clear()
        row = batch.add(0, position, np.asarray(part, np.int32), wanted=True)
        context.decode(batch)
        logits = context.logits(row).astype(np.float64)
        rows.append(logits - log_sum_exp(logits))
        position += len(part)
    context.close()
    weights.close()
    return np.array(rows)


def test_every_architecture_of_the_catalog_is_here():
    named = {"qwen2.5": "qwen2", "qwen3": "qwen3", "smollm2": "llama", "phi": "phi3", "ministral": "mistral3"}
    named |= {"granite": "granite", "smollm3": "smollm3", "gpt": "gpt-oss", "gemma": "gemma4"}
    made = {"llama", *(each.architecture for each in ARCHITECTURES)}
    for spec in CATALOG:
        family = spec.name.split("-")[0]
        architecture = "qwen3moe" if "a3b" in spec.name else named[family]
        assert architecture in made


def test_prompts_that_share_a_beginning_are_answered_as_each_alone(made: Path, engine: LlamaEngine):
    together = np.array([scores.logprobs for scores in engine.choose(prompts(), OPTIONS)])
    again = np.array([scores.logprobs for scores in engine.choose(prompts()[::-1], OPTIONS)])[::-1]
    first = [engine._weights.tokenize(option)[0] for option in OPTIONS]
    apart = np.array([alone(made, engine.encode(prompt), ())[0][first] for prompt in prompts()])
    apart -= np.log(np.exp(apart).sum(axis=1, keepdims=True))
    assert np.abs(together - apart).max() < CLOSE
    assert np.abs(again - apart).max() < CLOSE
    assert np.abs(apart - apart[0]).max() > 5 * CLOSE, "the items make a difference, so a wrong one would be seen"


def test_replies_that_are_written_together_are_as_likely_as_alone(made: Path, engine: LlamaEngine):
    for prompt, reply in zip(prompts(), engine.generate(prompts(), max_tokens=12), strict=True):
        rows = alone(made, engine.encode(prompt), reply.token_ids[:-1])
        expected = sum(row[token] for row, token in zip(rows, reply.token_ids, strict=True))
        assert abs(reply.logprob - expected) < CLOSE * len(reply.token_ids)


def test_a_reply_that_is_taken_back_in_part_goes_on_as_if_it_had_not_been(made: Path, engine: LlamaEngine):
    with engine.cursor(prompts()[1]) as cursor:
        cursor.append("I think: ")
        mark = cursor.mark()
        first = cursor.choose(OPTIONS).logprobs
        cursor.append(", because it was seen.")
        cursor.choose(OPTIONS)
        cursor.rewind(mark)
        assert np.abs(np.subtract(cursor.choose(OPTIONS).logprobs, first)).max() < CLOSE
        tokens = (*engine.encode(prompts()[1]), *cursor.token_ids[: -len(engine._weights.tokenize(cursor.text[9:]))])
    row = alone(made, tokens, ())[0][[engine._weights.tokenize(option)[0] for option in OPTIONS]]
    assert np.abs(row - np.log(np.exp(row).sum()) - first).max() < CLOSE


def test_the_kv_of_a_token_takes_what_the_header_says(made: Path):
    header = read_header(made)
    assert header.trained_context == 2048
    shared = 2 if header.architecture == "gemma4" else 0
    assert header.cell_bytes == (4 - shared) * 2 * 2 * 16 * 2
    assert not header.recurrent


def test_a_model_with_a_state_is_refused_by_name(tmp_path: Path):
    path = HYBRID.write(tmp_path / "hybrid.gguf")
    with pytest.raises(LoadError, match="of the architecture lfm2"):
        LlamaEngine(path, name="hybrid", n_ctx=1024)
    weights = Weights(path)
    assert weights.recurrent, "llama.cpp says the same"
    weights.close()


def test_an_architecture_that_llama_cpp_does_not_know_is_told(tmp_path: Path):
    path = Made("newmind", "qwen2.5", ("<|im_end|>",)).write(tmp_path / "new.gguf")
    with pytest.raises(LoadError, match="unknown model architecture: 'newmind'"):
        LlamaEngine(path, name="new", n_ctx=1024)
