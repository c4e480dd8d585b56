"""A process that has opened something sealed leaves nothing of it on a disk: no temporary file, no core dump."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlm_local.home import Home
from rlm_local.serve.server import spool_in
from rlm_local.vault import Key
from tests.vault.test_lockbox import says

_DIES = """
import ctypes, os, resource, sys, tempfile
from pathlib import Path
from rlm_local.vault import Lockbox, Secret
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
assert Lockbox(Path(sys.argv[1])).key(Secret(Path(sys.argv[2])))
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE), tempfile.gettempdir())
sys.stdout.flush()
os.abort()
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    before = tempfile.tempdir
    yield
    tempfile.tempdir = before


@pytest.mark.skipif(sys.platform != "linux", reason="the means are Linux's")
def test_who_has_opened_a_lockbox_dumps_no_core_and_spills_nothing(tmp_path: Path) -> None:
    home, secret = Home(tmp_path / "home"), tmp_path / "key"
    secret.write_text("open sesame")
    home.lockbox.make(b"open sesame", Key.made())
    command = [sys.executable, "-c", _DIES, str(home.root), str(secret)]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "0 (0, 0) /dev/shm\n", done.stderr
    assert {each.name for each in tmp_path.iterdir()} == {"home", "key"}


def test_an_upload_on_its_way_lies_beside_the_others_and_in_memory_where_these_are_sealed(tmp_path: Path) -> None:
    clear, sealed = Home(tmp_path / "clear"), Home(tmp_path / "sealed", secret=says("one"))
    spool_in(clear)
    assert tempfile.gettempdir() == str(clear.serve)
    tempfile.tempdir = "/before"
    sealed.lockbox.make(b"one", Key.made())
    spool_in(sealed)
    assert Path(tempfile.gettempdir()) not in (sealed.serve, clear.serve)
