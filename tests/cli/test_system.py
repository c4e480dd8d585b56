"""What happens on systems that are not here, as far as that can be made here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rlm_local.cli.doctor import on_system
from rlm_local.cli.system import check_system
from rlm_local.errors import UsageError

WITHOUT = """
import sys

MISSING = {"fcntl", "resource", "termios", "pwd", "grp", "pty"}

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in MISSING:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
from rlm_local.cli import main
main()
"""


def without_posix(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The program in a Python that has none of the modules that only POSIX systems have."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "RLM_LOCAL_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("models", "list")])
def test_the_program_starts_where_posix_modules_are_missing(tmp_path: Path, arguments: tuple[str, ...]):
    done = without_posix(tmp_path, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "qwen2.5-coder-1.5b" in done.stdout or "Usage:" in done.stdout


def test_doctor_says_there_that_the_sandbox_is_missing(tmp_path: Path):
    done = without_posix(tmp_path, "doctor")
    assert done.returncode == 1, done.stderr
    assert "sandbox protections" in done.stdout
    assert "`rlm-local run` cannot work" in done.stdout


@pytest.mark.parametrize("system", ["Darwin", "Windows", "FreeBSD"])
def test_other_systems_are_refused_with_what_to_do(system: str):
    with pytest.raises(UsageError, match="WSL 2 or a container"):
        check_system(system)
    found = on_system(system, "arm64")
    assert (found.state, found.needed) == ("missing", True)
    assert "Landlock" in found.detail


def test_what_is_untested_is_said():
    assert on_system("Linux", "x86_64").state == "ok"
    assert "nothing was tested; the sandbox's walls are the same there" in on_system("Linux", "aarch64").detail
    assert "no seccomp filter there" in on_system("Linux", "riscv64").detail
