"""Real models for the tests that need one, fetched once into the state directory (RLM_LOCAL_HOME)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rlm_local.home import Home
from rlm_local.models import LlamaEngine, ensure_model, resolve


@pytest.fixture(scope="session")
def smollm_path() -> Path:
    """Weights small enough for plumbing: what they answer means nothing."""
    return ensure_model(resolve("smollm2-135m"), Home.default().models)


@pytest.fixture(scope="session")
def smollm(smollm_path: Path) -> Iterator[LlamaEngine]:
    with LlamaEngine(smollm_path, name="smollm2-135m", n_ctx=2048) as engine:
        yield engine


@pytest.fixture(scope="session")
def qwen_path() -> Path:
    """The small Qwen: its answers to easy questions can be relied on."""
    return ensure_model(resolve("qwen2.5-coder-0.5b"), Home.default().models)


@pytest.fixture(scope="session")
def qwen(qwen_path: Path) -> Iterator[LlamaEngine]:
    with LlamaEngine(qwen_path, name="qwen2.5-coder-0.5b", n_ctx=4096) as engine:
        yield engine
