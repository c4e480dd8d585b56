import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from rlm_local.engine.parts import Parts
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.models import LocalModel, resolve
from rlm_local.models.errors import GgufError
from rlm_sandbox import Image, Pool, SandboxError
from rlm_sandbox.limits import Limits


def imported(modules: str, of: Sequence[str]) -> list[str]:
    """Which of some modules are loaded in a new process that imports these."""
    program = f"import {modules}, sys; print(*sys.modules.keys() & {set(of)})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_program_imports_little_before_the_models_process_begins() -> None:
    """What loads the weights starts after these imports: they have to be short, and what it needs itself is its own."""
    large = ("numpy", "jinja2", "wasmtime", "sqlglot", "jsonschema", "apsw", "rich")
    own = ("rlm_policy", "rlm_local.log", "rlm_local.collection.formats")
    assert imported("rlm_local.cli.app, rlm_local.engine.parts", large + own) == []


def test_an_engine_waits_for_no_library_that_a_question_may_not_need() -> None:
    """Those of kinds of files, of schemas, of models on servers; and numpy, which the model's process has."""
    large = ("numpy", "jinja2", "llama_cpp", "jsonschema", "httpx2", "huggingface_hub", "drain3", "charset_normalizer")
    files = ("lxml", "pypdfium2", "PIL", "rapidocr", "python_calamine", "oxmsg", "striprtf", "tree_sitter", "pandas")
    assert imported("rlm_local.cli.app, rlm_local.engine.engine", large + files) == []


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
