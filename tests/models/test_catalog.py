from pathlib import Path

import pytest

from rlm_local.models import CATALOG, DEFAULT_MODEL, ensure_model, resolve
from rlm_local.models.catalog import LADDER
from rlm_local.models.errors import CatalogError, PullError


def test_the_default_is_in_the_catalog():
    assert resolve(DEFAULT_MODEL).name == DEFAULT_MODEL


def test_every_entry_is_pinned_and_can_be_fetched():
    for spec in CATALOG:
        assert len(bytes.fromhex(spec.sha256)) == 32
        assert spec.parts or spec.hub
        assert spec.hub is None or len(bytes.fromhex(spec.hub.revision)) == 20


def test_every_entry_says_what_it_needs():
    assert len({spec.name for spec in CATALOG}) == len(CATALOG)
    for spec in CATALOG:
        assert spec.licence in ("Apache-2.0", "MIT")
        assert spec.context >= 8192
        assert spec.cell_bytes > 0
    assert set(LADDER) <= {spec.name for spec in CATALOG}


def test_a_name_that_is_not_there_lists_those_that_are():
    with pytest.raises(CatalogError, match="smollm2-135m"):
        resolve("gpt-5")


def test_a_file_of_the_users_own(tmp_path: Path):
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF")
    spec = resolve(str(path))
    assert (spec.name, spec.file, spec.bytes, spec.sha256) == ("mine", path, 4, "")


def test_a_model_of_a_server():
    spec = resolve("http://127.0.0.1:8000/v1#Qwen/Qwen3-32B")
    assert (spec.server, spec.name) == ("http://127.0.0.1:8000/v1#Qwen/Qwen3-32B", "Qwen/Qwen3-32B")
    assert resolve("https://host:8000/v1").name == "host:8000"
    with pytest.raises(PullError, match="server"):
        ensure_model(spec, Path("models"))
