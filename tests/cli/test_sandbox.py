"""`rlm-local sandbox` with the real sandbox; its image is built once and kept between runs."""

import os
from pathlib import Path

import pytest

from rlm_sandbox import ensure_image
from tests.cli.fakes import FakeEngine, not_asked, run_program

NO_ENGINE = FakeEngine(not_asked)


@pytest.fixture(scope="session")
def kept_home(pytestconfig: pytest.Config) -> Path:
    home = os.environ.get("RLM_LOCAL_HOME")
    path = Path(home) if home else pytestconfig.cache.mkdir("sandbox-home")
    ensure_image(path / "image")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cell.py"


def test_a_file_runs_and_sees_the_context(kept_home: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Zoë came twice.")
    file.write_text("print('Zoë' in context, len(context) > 10)")
    result = run_program(("sandbox", file, "--context", tmp_path / "a.txt"), NO_ENGINE, kept_home)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "True True\n", "")


def test_a_traceback_of_the_guest_is_on_stderr(kept_home: Path, file: Path) -> None:
    file.write_text("print('before\\x1b[2J')\n1 / 0\n")
    result = run_program(("sandbox", file), NO_ENGINE, kept_home)
    assert (result.exit_code, result.stdout) == (1, "before\ufffd[2J\n")
    assert result.stderr.splitlines()[0] == "Traceback (most recent call last):"
    assert "ZeroDivisionError: division by zero" in result.stderr


@pytest.mark.parametrize(
    ("code", "options", "limit"),
    [
        ("while True: pass", ("--timeout", "0.5"), "time"),
        ("x = 'a' * 10**9", ("--memory", "128"), "memory"),
    ],
)
def test_a_limit_is_status_3(kept_home: Path, file: Path, code: str, options: tuple[str, ...], limit: str) -> None:
    file.write_text(code)
    result = run_program(("sandbox", file, *options), NO_ENGINE, kept_home)
    assert result.exit_code == 3
    assert f"rlm-local: stopped: {limit}" in result.stderr


def test_what_is_no_program_is_a_usage_error(home: Path, file: Path) -> None:
    assert run_program(("sandbox", file), NO_ENGINE, home).exit_code == 2
    file.write_bytes(b"\xff\xfe\x00")
    result = run_program(("sandbox", file), NO_ENGINE, home)
    assert result.exit_code == 2
    assert f"{file} is not UTF-8 text" in result.stderr
