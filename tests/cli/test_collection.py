"""`rlm-local collection`: documents as an index that is kept, looked at, and dropped."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rlm_local.cli.app import app


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("RLM_LOCAL_HOME", str(tmp_path / "state"))
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "pets.csv").write_text("name,age\nAda,3\nBo,4\nCy,5\n")
    assert CliRunner().invoke(app, ["collection", "add", "animals", str(folder)]).exit_code == 0
    return CliRunner()


def test_a_collection_is_shown_with_its_tables(said: CliRunner) -> None:
    shown = json.loads(said.invoke(app, ["collection", "show", "animals", "--json"]).stdout)
    [pets] = [table for table in shown["tables"] if table["kind"] == "rows"]
    assert (pets["name"], pets["rows"]) == ("pets", 3)
    assert [(column["name"], column["type"]) for column in pets["columns"]] == [("name", "category"), ("age", "number")]


def test_what_is_dropped_is_listed_no_more(said: CliRunner) -> None:
    assert "animals" in said.invoke(app, ["collection", "list"]).stdout
    assert said.invoke(app, ["collection", "drop", "animals"]).exit_code == 0
    assert "animals" not in said.invoke(app, ["collection", "list"]).stdout


def test_the_text_of_a_file_is_what_was_read_of_it(said: CliRunner, tmp_path: Path) -> None:
    assert "Ada,3" in said.invoke(app, ["collection", "text", str(tmp_path / "records" / "pets.csv")]).stdout
