from dataclasses import replace
from pathlib import Path

import pytest

from rlm_local.models import ModelSpec, OwnModels, resolve
from rlm_local.models.catalog import HubFile
from rlm_local.models.errors import CatalogError

SPEC = ModelSpec(
    "mine", "Mine", "mit", 100, "ab" * 32, context=4096, cell_bytes=7, hub=HubFile("a/b", "c" * 40, "Mine.gguf")
)


def test_what_was_kept_comes_back_and_is_found_by_name(tmp_path: Path):
    own = OwnModels(tmp_path)
    assert own.all() == []
    own.keep(SPEC)
    own.keep(replace(SPEC, name="other"))
    own.keep(replace(SPEC, licence="apache-2.0"))
    assert [spec.name for spec in OwnModels(tmp_path).all()] == ["other", "mine"]
    assert resolve("mine", own.all()) == replace(SPEC, licence="apache-2.0")
    own.forget("mine")
    with pytest.raises(CatalogError, match="other"):
        resolve("mine", own.all())


def test_a_list_that_names_an_author_that_is_gone_is_read(tmp_path: Path):
    own = OwnModels(tmp_path)
    own.keep(SPEC)
    listed = tmp_path / "own.json"
    listed.write_text(listed.read_text().replace('"name": "mine"', '"name": "mine", "author": "guided"'))
    assert own.all() == [SPEC]


@pytest.mark.parametrize("content", ["{", "[1]", '[{"name": "x"}]', '{"a": 1}'])
def test_a_damaged_list_is_told_with_the_remedy(tmp_path: Path, content: str):
    (tmp_path / "own.json").write_text(content)
    with pytest.raises(CatalogError, match="Move it away"):
        OwnModels(tmp_path).all()
