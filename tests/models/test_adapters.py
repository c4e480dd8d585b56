"""Adapters on a real model: what they change, what they must not, and which are refused."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rlm_local.models import LlamaEngine, Message, Prompt, Scores, resolve
from rlm_local.models.errors import AdapterError, EngineError, GgufError
from tests.models.lora import make_adapter

OPTIONS = ("red", "blue", "green")
NOISE = 0.3  # nats: prompts are evaluated in batches of other shapes
SHARED = (Message("system", "Name the colour of what is shown, in one word, whatever it may be that is shown to you."),)


def shown(*things: str) -> list[Prompt]:
    return [Prompt((*SHARED, Message("user", thing))) for thing in things]


def values(scores: list[Scores]) -> np.ndarray:
    return np.array([score.logprobs for score in scores])


@pytest.fixture(scope="module")
def engine(smollm_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaEngine]:
    directory = tmp_path_factory.mktemp("adapters")
    with LlamaEngine(smollm_path, name="smollm2-135m", n_ctx=1024) as engine:
        for seed, name in enumerate(("first", "second")):
            engine.load_adapter(name, make_adapter(directory / f"{name}.gguf", smollm_path, seed=seed))
        yield engine


def test_each_set_has_answers_of_its_own_and_none_reaches_another(engine: LlamaEngine):
    prompts = shown("a leaf", "the sky", "blood")
    sets = ({}, {"first": 1.0}, {"second": 1.0}, {"first": 0.5, "second": 1.0})
    alone = [values(engine.choose(prompts, OPTIONS, adapters=adapters)) for adapters in sets]
    for number, one in enumerate(alone):
        assert all(np.abs(one - other).max() > NOISE for other in alone[:number]), "or the test shows nothing"
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(engine.choose, prompts, OPTIONS, adapters=adapters) for adapters in (*sets, *sets)]
        for call, expected in zip(calls, (*alone, *alone), strict=True):
            assert np.abs(values(call.result(60)) - expected).max() < NOISE


def test_a_scale_of_nothing_is_no_adapter(engine: LlamaEngine):
    first, again = (engine.choose(shown("a leaf"), OPTIONS, adapters=each)[0] for each in ({}, {"first": 0.0}))
    assert again.usage.cached_tokens > 0
    assert np.abs(np.array(first.logprobs) - again.logprobs).max() < NOISE


def test_a_cursor_and_replies_are_under_the_adapters_too(engine: LlamaEngine):
    [score] = engine.choose(shown("a leaf"), OPTIONS, adapters={"first": 1.0})
    with engine.cursor(shown("a leaf")[0], adapters={"first": 1.0}) as cursor:
        assert np.abs(np.array(cursor.choose(OPTIONS).logprobs) - score.logprobs).max() < NOISE
    texts = {engine.generate(shown("a leaf"), max_tokens=12, adapters=each)[0].text for each in ({}, {"first": 1.0})}
    assert len(texts) == 2


def test_an_adapter_is_swapped_while_others_are_running(engine: LlamaEngine, smollm_path: Path, tmp_path: Path):
    begun = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            engine.generate, shown("a leaf"), max_tokens=100, on_text=lambda _index, _text: begun.set()
        )
        assert begun.wait(60)
        for seed in (7, 8):
            engine.load_adapter("third", make_adapter(tmp_path / f"{seed}.gguf", smollm_path, seed=seed))
            engine.choose(shown("the sky"), OPTIONS, adapters={"third": 1.0})
        assert running.result(60)[0].text


@pytest.mark.parametrize("scale", [float("nan"), float("inf")])
def test_a_scale_that_is_no_number_is_refused(engine: LlamaEngine, scale: float):
    with pytest.raises(AdapterError, match="no number"):
        engine.choose(shown("a leaf"), OPTIONS, adapters={"first": scale})


def test_an_overdriven_adapter_fails_its_own_call(engine: LlamaEngine):
    before = values(engine.choose(shown("a leaf"), OPTIONS))
    with pytest.raises(EngineError, match="no numbers"):
        engine.choose(shown("a leaf"), OPTIONS, adapters={"first": 1e30})
    assert np.abs(values(engine.choose(shown("a leaf"), OPTIONS)) - before).max() < NOISE


def test_an_adapter_for_these_very_weights_is_taken(engine: LlamaEngine, smollm_path: Path, tmp_path: Path):
    sha256 = resolve("smollm2-135m").sha256
    engine.load_adapter("own", make_adapter(tmp_path / "own.gguf", smollm_path, seed=3, sha256=sha256))


def test_adapters_for_other_models_are_refused(engine: LlamaEngine, smollm_path: Path, tmp_path: Path):
    other = {
        "was trained on weights with the sha256 00000000": {"sha256": "0" * 64},
        "is for qwen2 models, not llama": {"architecture": "qwen2"},
        "llama.cpp refuses": {"width": 64},
    }
    for number, (told, wrong) in enumerate(other.items()):
        path = make_adapter(tmp_path / f"{number}.gguf", smollm_path, seed=0, **wrong)
        with pytest.raises(AdapterError, match=told):
            engine.load_adapter("other", path)
    with pytest.raises(AdapterError, match="no LoRA adapter"):
        engine.load_adapter("other", smollm_path)
    (tmp_path / "cut.gguf").write_bytes((tmp_path / "0.gguf").read_bytes()[:300])
    with pytest.raises(GgufError):
        engine.load_adapter("other", tmp_path / "cut.gguf")
    with pytest.raises(AdapterError, match="Loaded are: first, second"):
        engine.choose(shown("a leaf"), OPTIONS, adapters={"other": 1.0})
