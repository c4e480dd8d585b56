import json
from pathlib import Path

from rlm_local.home import Home
from rlm_local.models import CATALOG, DEFAULT_MODEL, ModelSpec, OwnModels
from rlm_local.models.catalog import HubFile
from tests.cli.fakes import FakeEngine, not_asked, run_program

NO_ENGINE = FakeEngine(not_asked)


def test_list_names_what_there_is_with_licence_and_size(home: Path) -> None:
    (home / "models").mkdir()
    (home / "models" / "smollm2-135m.gguf").write_bytes(b"GGUF")
    rows = json.loads(run_program(("models", "list", "--json"), NO_ENGINE, home).stdout)
    assert {row["name"]: row["here"] for row in rows} == {s.name: s.name == "smollm2-135m" for s in CATALOG}
    lines = run_program(("models", "list"), NO_ENGINE, home).stdout.splitlines()
    assert len(lines) == len(CATALOG) + 3
    default = next(line for line in lines if line.startswith(DEFAULT_MODEL))
    assert "Apache-2.0" in default
    assert "1.1 GB" in default
    assert lines[-1].startswith("This machine: ")


def test_list_marks_one_model_as_recommended_which_fits(home: Path) -> None:
    rows = json.loads(run_program(("models", "list", "--json"), NO_ENGINE, home).stdout)
    [best] = [row for row in rows if row["recommended"]]
    assert best["fits"]
    assert 2048 <= best["context_here"] <= best["context"]


def test_what_was_pulled_from_the_hub_is_in_the_list_until_it_is_removed(home: Path) -> None:
    spec = ModelSpec("mine", "Mine", "MIT", 100, "ab" * 32, hub=HubFile("a/b", "c" * 40, "Mine.gguf"))
    OwnModels(Home(home).models).keep(spec)
    (home / "models" / "mine.gguf").write_bytes(b"GGUF")

    def names() -> list[str]:
        return [row["name"] for row in json.loads(run_program(("models", "list", "--json"), NO_ENGINE, home).stdout)]

    assert names()[-1] == "mine"
    assert run_program(("models", "path", "mine"), NO_ENGINE, home).exit_code == 0
    assert run_program(("models", "remove", "mine"), NO_ENGINE, home).exit_code == 0
    assert "mine" not in names()
    assert not (home / "models" / "mine.gguf").exists()


def test_pull_of_an_address_that_the_catalog_has_is_the_catalogs_model(home: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"GGUF" + bytes(100))
    address = "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF:qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
    result = run_program(("models", "pull", address, "--path", wrong), NO_ENGINE, home)
    assert result.stderr.startswith("rlm-local: Qwen2.5-Coder-0.5B-Instruct Q4_K_M, Apache-2.0 licence, 491 MB")


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
