from pathlib import Path

import pytest

from tests.cli.fakes import FakeEngine, run_program

RUN = ("run", "q", "p")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("timeout = ", "cannot be read"),
        ("tiemout = 5", "sets tiemout"),
        ("[run]\ntiemout = 5", "sets run.tiemout"),
        ("[ruin]\ntimeout = 5", "sets ruin"),
        ("[bench.examples]\nauthor = 'free'", "sets bench.examples.author"),
        ("[sandbox]\npolicy = 'rules'", "sets sandbox.policy"),
    ],
)
def test_a_file_with_a_mistake_is_named_with_it(home: Path, text: str, problem: str) -> None:
    (home / "config.toml").write_text(text)
    result = run_program(RUN, FakeEngine(), home)
    assert result.exit_code == 2
    assert f"{home}/config.toml {problem}" in result.stderr


def test_a_file_that_is_no_text_is_named(home: Path) -> None:
    (home / "config.toml").write_bytes(b"\xff\xfe\x00")
    result = run_program(RUN, FakeEngine(), home)
    assert result.exit_code == 2
    assert "config.toml cannot be read" in result.stderr


def test_a_value_of_the_wrong_type_is_refused(home: Path) -> None:
    (home / "config.toml").write_text("max-tokens = 'many'")
    result = run_program(RUN, FakeEngine(), home)
    assert result.exit_code == 2
    assert "Invalid value for '--max-tokens'" in result.stderr


def test_a_table_is_for_its_command_alone(home: Path) -> None:
    (home / "config.toml").write_text("timeout = 5\n[batch]\ntimeout = 6")
    engine = FakeEngine()
    run_program(RUN, engine, home)
    assert engine.asked[0]["timeout"] == 5
