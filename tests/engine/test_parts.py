import subprocess
import sys
from pathlib import Path

import pytest

from rlm_local.engine.parts import Parts
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.models import LocalModel, resolve
from rlm_local.models.errors import GgufError
from rlm_sandbox import Image, Pool, SandboxError
from rlm_sandbox.limits import Limits


def test_a_program_imports_little_before_the_models_process_begins() -> None:
    """What loads the weights starts after these imports: they have to be short, and what it needs itself is its own."""
    large = ("numpy", "jinja2", "wasmtime", "sqlglot", "jsonschema", "rlm_local.corpus", "rlm_local.collection.formats")
    program = f"import rlm_local.cli.app, rlm_local.engine.parts, sys; print(*sys.modules.keys() & {set(large)})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_model_that_cannot_be_loaded_ends_the_sandbox_too(image: Image, tmp_path: Path) -> None:
    weights = tmp_path / "bad.gguf"
    weights.write_bytes(b"GGUF and no more")
    home = Home(tmp_path / "home")
    parts = Parts(
        resolve(str(weights)), LocalModel(weights, name="bad", home=home), Pool(image), RunStore(home.runs), home
    )
    with pytest.raises(GgufError):
        parts.wait()
    with pytest.raises(SandboxError, match="closed"):
        parts.sandbox.open(Limits())
