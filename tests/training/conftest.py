"""What the tests of training need that may not be there: the libraries of the extra `train`."""

import importlib.util

import pytest


@pytest.fixture(scope="session")
def extra() -> None:
    """Skips where the extra `train` is not installed."""
    for name in ("torch", "transformers", "trl", "peft", "gguf"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"the extra `train` is not installed: there is no {name}")
