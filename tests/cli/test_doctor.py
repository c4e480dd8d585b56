import json
from pathlib import Path

from tests.cli.fakes import FakeEngine, not_asked, run_program

NO_ENGINE = FakeEngine(not_asked)


def findings(home: Path) -> tuple[int, dict[str, dict[str, object]]]:
    result = run_program(("doctor", "--json"), NO_ENGINE, home)
    data = json.loads(result.stdout)
    assert data["works"] == (result.exit_code == 0)
    return result.exit_code, {finding["name"]: finding for finding in data["findings"]}


def test_a_fresh_machine_is_told_what_it_lacks_and_what_that_costs(tmp_path: Path) -> None:
    status, found = findings(tmp_path / "not" / "made")
    assert status == 0
    assert found["qwen2.5-coder-1.5b"]["state"] == "missing"
    assert found["qwen2.5-coder-1.5b"]["megabytes"] == 1117
    assert found["sandbox image"]["state"] == "missing"
    assert found["state directory"]["state"] == "ok"
    assert found["llama-cpp-python"]["state"] == "ok"
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
