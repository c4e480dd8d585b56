"""`rlm-local run --server`: a running server in the engine's place."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rlm_local.cli.app import app
from rlm_local.cli.shared import Shared
from rlm_local.home import Home
from rlm_local.serve.keys import Scope
from tests.cli.fakes import FakeEngine
from tests.engine.records import VISITS
from tests.engine.script import writer
from tests.serve.conftest import QUESTION, Running, StartServer


def run(home: Path, *arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    """Exit status, stdout, stderr of `rlm-local run` where no model can be loaded."""
    use = Shared(Home(home), FakeEngine(answer=lambda *_, **__: pytest.fail("it loaded an engine of its own")).make)
    result = CliRunner().invoke(app, ["run", *arguments], obj=use, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_folder_is_sent_and_asked_about(server: Running, records: Path, tmp_path: Path) -> None:
    status, out, err = run(tmp_path, QUESTION, str(records), "--server", server.url, "--policy", "rules", "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert (answer["answer"], answer["evidence"][0]["document"]) == ("1", "visits.csv")
    assert server.service.store.get(answer["run_id"]).answer
    assert "SEARCH" in err
    assert {file.name for file in server.service.files.list(None)} == {"visits.csv", "notes/fall.txt", "notes/roof.txt"}
    run(tmp_path, QUESTION, str(records), "--server", server.url)
    assert len(server.service.files.list(None)) == 3  # the same bytes are there already


def test_standard_input_is_sent(start: StartServer, tmp_path: Path) -> None:
    server = start(writer(reads="Ada Brunner"))
    status, out, _ = run(tmp_path, QUESTION, "-", "--server", f"{server.url}/", stdin=VISITS)
    assert (status, out) == (0, "Ada Brunner\n")


def test_what_is_wrong_is_said(server: Running, records: Path, tmp_path: Path) -> None:
    for arguments, said in (
        ((QUESTION, str(records), "--server", "http://127.0.0.1:9"), "cannot be reached"),
        ((QUESTION, str(records), "--server", "nonsense"), "cannot be reached"),
        ((QUESTION, str(records), "--server", server.url, "--author", "free"), "takes a policy"),
        ((QUESTION, str(records), "--server", server.url, "--model", "gpt-9"), "there is no model"),
        ((QUESTION, str(tmp_path / "nowhere"), "--server", server.url), "does not exist"),
    ):
        status, out, err = run(tmp_path, *arguments)
        assert status in (1, 2)
        assert out == ""
        assert said in err


def test_a_key_is_sent(server: Running, records: Path, tmp_path: Path) -> None:
    _, text = server.service.keys.make("alice", [Scope.ASK, Scope.READ])
    assert run(tmp_path, QUESTION, str(records), "--server", server.url)[0] == 2
    assert run(tmp_path, QUESTION, str(records), "--server", server.url, "--key", text)[:2] == (0, "1\n")
