import json
from pathlib import Path

import pytest

from rlm_local.models.native import VARIABLE
from tests.cli.fakes import FakeEngine, not_asked, run_program

NO_ENGINE = FakeEngine(not_asked)


def findings(home: Path) -> tuple[int, dict[str, dict[str, object]]]:
    result = run_program(("doctor", "--json"), NO_ENGINE, home)
    data = json.loads(result.stdout)
    assert data["blocked"] == (result.exit_code == 1)
    return result.exit_code, {finding["name"]: finding for finding in data["findings"]}


def test_a_fresh_machine_is_told_what_it_lacks_and_what_that_costs(tmp_path: Path) -> None:
    status, found = findings(tmp_path / "not" / "made")
    assert status == 0
    assert found["qwen2.5-coder-1.5b"]["state"] == "missing"
    assert found["qwen2.5-coder-1.5b"]["megabytes"] == 1117
    assert found["sandbox image"]["state"] == "missing"
    assert found["state directory"]["state"] == "ok"
    assert found["llama.cpp"]["state"] == "ok"
    assert str(found["llama.cpp"]["detail"]).endswith("decodes as it should")
    assert not (tmp_path / "not").exists()


def test_what_is_there_is_seen(home: Path) -> None:
    (home / "models").mkdir()
    (home / "models" / "smollm2-135m.gguf").write_bytes(b"GGUF")
    status, found = findings(home)
    assert status == 0
    assert found["smollm2-135m"]["state"] == "ok"
    assert found["log of runs"]["detail"] == "empty"
    assert "sandbox protections" in found


def test_a_state_directory_that_others_can_read_is_weak(home: Path) -> None:
    home.chmod(0o755)
    _, found = findings(home)
    assert found["state directory"]["state"] == "weak"
    assert found["state directory"]["remedy"] == f"`chmod 700 {home}`"


def test_a_damaged_log_is_reason_enough_for_status_1(home: Path) -> None:
    (home / "runs.sqlite").write_bytes(b"rubbish" * 1000)
    status, found = findings(home)
    assert status == 1
    assert found["log of runs"]["state"] == "missing"
    text = run_program(("doctor",), NO_ENGINE, home)
    assert text.exit_code == 1
    assert "Move it away" in text.stdout
    assert text.stdout.rstrip().endswith("`rlm-local run` cannot work: see what is missing above.")


def test_what_is_fetched_first_is_not_said_to_work(tmp_path: Path) -> None:
    text = run_program(("doctor",), NO_ENGINE, tmp_path / "new").stdout
    assert text.rstrip().endswith("`rlm-local run` fetches what is missing first; `rlm-local setup` does it ahead.")


def test_a_library_that_does_not_load_is_reason_enough_for_status_1(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libllama.so").write_bytes(b"no library")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    status, found = findings(home)
    assert status == 1
    assert found["llama.cpp"]["state"] == "missing"
    assert "libllama.so: file too short" in str(found["llama.cpp"]["detail"])


def test_a_library_that_is_not_here_is_fetched_by_the_first_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    status, found = findings(home)
    assert status == 0
    assert (found["llama.cpp"]["state"], found["llama.cpp"]["megabytes"]) == ("missing", 11)
