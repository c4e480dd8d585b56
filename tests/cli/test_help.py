import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.fakes import FakeEngine, run_program

COMMANDS = [
    "",
    "run",
    "batch",
    "runs",
    "runs list",
    "runs show",
    "runs export",
    "runs diff",
    "runs replay",
    "runs delete",
    "runs purge",
    "files",
    "files list",
    "files delete",
    "collection drop",
    "serve",
    "keys",
    "keys make",
    "keys list",
    "keys revoke",
    "audit",
    "audit verify",
    "audit find",
    "models",
    "models list",
    "models pull",
    "models verify",
    "models path",
    "sandbox",
    "bench",
    "bench examples",
    "bench tasks",
    "encrypt",
    "rekey",
    "decrypt",
    "setup",
    "doctor",
    "collect",
    "train",
    "train export-base",
    "train build",
    "train sft",
    "train dpo",
    "train kto",
    "train grpo",
    "train convert",
    "train loop",
    "policy",
    "policy list",
    "policy show",
    "policy eval",
    "policy promote",
    "policy rollback",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(home: Path, command: str) -> None:
    result = run_program((*command.split(), "--help"), FakeEngine(), home)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: rlm-local {command}".rstrip())
    assert "\b" not in result.stdout


def test_help_imports_nothing_heavy() -> None:
    script = "import sys, rlm_local.cli.app; print(*{'llama_cpp', 'wasmtime', 'numpy', 'fastapi'} & {*sys.modules})"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == ""
