import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from rlm_local.cli.app import app
from tests.cli.fakes import FakeEngine, run_program


def commands(program: Any, name: str = "") -> Iterator[str]:
    """The program and all commands below it, by what a person types after its name."""
    yield name
    for below, command in getattr(program, "commands", {}).items():
        yield from commands(command, f"{name} {below}".strip())


@pytest.mark.parametrize("command", [*commands(get_command(app))])
def test_every_command_explains_itself(home: Path, command: str) -> None:
    result = run_program((*command.split(), "--help"), FakeEngine(), home)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: rlm-local {command}".rstrip())
    assert "\b" not in result.stdout
    assert "..." not in result.stdout.partition("Commands:")[2], "the first sentence of a command is cut"


def test_help_imports_nothing_heavy() -> None:
    script = "import sys, rlm_local.cli.app; print(*{'llama_cpp', 'wasmtime', 'numpy', 'fastapi'} & {*sys.modules})"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == ""
