"""A reader that does what its file says: stops its process, hangs, takes memory, fails."""

import textwrap
from pathlib import Path

import pytest

from rlm_local.home import Home

_LIBRARY = """
import os, time

def rtf_to_text(text, errors):
    what, _, more = text.removeprefix("{\\\\rtf ").partition(" ")
    if what == "crash":
        os.abort()
    if what == "sleep":
        time.sleep(1_000)
    if what == "spin":
        while True:
            pass
    if what == "memory":
        bytearray(1 << 40)
    if what == "recursion":
        raise RecursionError
    if what == "raise":
        raise RuntimeError("a\\0 b\\n c")
    if what == "priority":
        raise RuntimeError(os.getpriority(os.PRIO_PROCESS, 0))
    if what == "print":
        os.write(1, b'{"end": 0}\\n')
        print("no answer")
    if what == "append":
        with open(more, "a") as file:
            file.write("more")
    return text
"""


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the library that reads rich text; children import what their parent would."""
    folder = tmp_path / "libraries/striprtf"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "striprtf.py").write_text(textwrap.dedent(_LIBRARY))
    monkeypatch.syspath_prepend(str(folder.parent))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")
