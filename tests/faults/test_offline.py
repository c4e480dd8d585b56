"""After set-up, a run needs no network: it works where there is none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rlm_local.home import Home
from rlm_local.models import ensure_model, resolve
from rlm_sandbox import Image

ROOT = Path(__file__).parents[2]


def alone(*arguments: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """A command in a network namespace without interfaces."""
    path = os.pathsep.join([str(ROOT), *sys.path])
    return subprocess.run(
        ["unshare", "--map-root-user", "--net", *arguments],
        env={**os.environ, "RLM_LOCAL_HOME": str(home), "PYTHONPATH": path, "OMP_WAIT_POLICY": "passive"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def home(image: Image, tmp_path: Path) -> Path:
    """State that is set up: the weights and the image of the other tests, and a log of its own."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    (path / "image").symlink_to(image.folder.parent)
    (path / "models").symlink_to(ensure_model(resolve("smollm2-135m"), Home.default().models).parent)
    return path


def test_a_run_works_in_a_network_namespace_without_interfaces(home: Path, tmp_path: Path) -> None:
    devices = alone("cat", "/proc/net/dev", home=home)
    if devices.returncode:
        pytest.skip(f"this kernel gives no network namespace: {devices.stderr.strip()}")
    assert {line.split(":")[0].strip() for line in devices.stdout.splitlines()[2:]} <= {"lo"}
    (tmp_path / "gate.txt").write_text("The gate is red.\n")
    command = (sys.executable, "-m", "rlm_local", "run", "Which colour has the gate?", str(tmp_path / "gate.txt"))
    done = alone(*command, "--model", "smollm2-135m", "--max-tokens", "20000", "--json", home=home)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["ended"] == "answered"
    assert answer["usage"]["leaf_calls"] >= 1
    assert Home(home).runs.is_file()
