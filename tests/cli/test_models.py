import json
from pathlib import Path

from rlm_local.models import CATALOG, DEFAULT_MODEL
from tests.cli.fakes import FakeEngine, not_asked, run_program

NO_ENGINE = FakeEngine(not_asked)


def test_list_names_what_there_is_with_licence_and_size(home: Path) -> None:
    (home / "models").mkdir()
    (home / "models" / "smollm2-135m.gguf").write_bytes(b"GGUF")
    rows = json.loads(run_program(("models", "list", "--json"), NO_ENGINE, home).stdout)
    assert {row["name"]: row["here"] for row in rows} == {s.name: s.name == "smollm2-135m" for s in CATALOG}
    lines = run_program(("models", "list"), NO_ENGINE, home).stdout.splitlines()
    assert len(lines) == len(CATALOG) + 1
    default = next(line for line in lines if line.startswith(DEFAULT_MODEL))
    assert "Apache-2.0  1,117 MB  not here  default" in default


def test_path_says_where_a_model_is_or_would_be(home: Path, tmp_path: Path) -> None:
    missing = run_program(("models", "path"), NO_ENGINE, home)
    assert (missing.exit_code, missing.stdout) == (1, f"{home}/models/{DEFAULT_MODEL}.gguf\n")
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    found = run_program(("models", "path", own), NO_ENGINE, home)
    assert (found.exit_code, found.stdout) == (0, f"{own}\n")
    assert run_program(("models", "path", "nope"), NO_ENGINE, home).exit_code == 1


def test_pull_says_licence_and_size_before_and_refuses_the_wrong_file(home: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"GGUF" + bytes(100))
    result = run_program(("models", "pull", "smollm2-135m", "--path", wrong), NO_ENGINE, home)
    assert result.exit_code == 1
    first, *_, last = result.stderr.splitlines()
    assert first == "rlm-local: SmolLM2-135M-Instruct Q4_1, Apache-2.0 licence, 98 MB"
    assert "sha256" in last
    assert not (home / "models" / "smollm2-135m.gguf").exists()


def test_verify_of_a_model_that_is_not_here_says_how_to_get_it(home: Path) -> None:
    result = run_program(("models", "verify", "smollm2-135m"), NO_ENGINE, home)
    assert result.exit_code == 1
    assert "rlm-local models pull smollm2-135m" in result.stderr


def test_verify_notices_a_damaged_file(home: Path) -> None:
    (home / "models").mkdir()
    (home / "models" / "smollm2-135m.gguf").write_bytes(b"GGUF" + bytes(100))
    result = run_program(("models", "verify", "smollm2-135m"), NO_ENGINE, home)
    assert result.exit_code == 1
    assert "damaged" in result.stderr
