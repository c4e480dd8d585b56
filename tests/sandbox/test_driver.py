"""The guest's driver: what one cell does to the interpreter does not reach the next, or its report."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    "code",
    [
        "import builtins\nfor name in vars(builtins).copy():\n  setattr(builtins, name, None)",
        "import builtins\nvars(builtins).clear()",
        "import builtins\nbuiltins.print = builtins.repr = builtins.compile = builtins.len = lambda *_: 1 / 0",
        "import sys\ndef trace(*_): raise ValueError\nsys.settrace(trace)",
        "import sys\ndef trace(*_): sys.setprofile(trace); raise ValueError\nsys.setprofile(trace)",
        "import sys\nsys.setrecursionlimit(30)",
        "import sys\nsys.modules.clear(); sys.meta_path.clear(); sys.path.clear()",
    ],
)
def test_what_a_cell_does_to_the_interpreter_does_not_reach_the_next(new_session: Any, code: str) -> None:
    session = new_session()
    session.run(code)
    assert session.run("1 + 1").output == "2\n"
    error = session.run("def divide(n): return n / 0\nlist(map(divide, [1]))").error
    assert error.endswith("ZeroDivisionError: division by zero\n")
    assert "in divide" in error


@pytest.mark.parametrize("code", ["import time; time.sleep(10 ** 12)", "import select; select.select([], [], [])"])
def test_a_wait_without_end_can_be_interrupted(new_session: Any, code: str) -> None:
    session = new_session(seconds=0.2, grace_seconds=5)
    assert session.run(code).stopped == "time"
    assert session.run("1 + 1").output == "2\n"


_SLEEPERS = """
import asyncio
async def after(seconds, value):
    await asyncio.sleep(seconds)
    return value
async def both():
    return await asyncio.gather(after(0.02, 1), after(0.01, 2), asyncio.wait_for(after(0, 3), 60))
"""


def test_coroutines_run_and_can_be_interrupted(new_session: Any) -> None:
    session = new_session(seconds=2, grace_seconds=20)
    session.run(_SLEEPERS)
    assert session.run("asyncio.run(both())").output == "[1, 2, 3]\n"
    assert session.run("asyncio.run(after(10 ** 6, 4))").stopped == "time"
    assert session.run("asyncio.run(both())").output == "[1, 2, 3]\n"


_LIBRARY = """
asyncio base64 bisect bz2 calendar collections compression.zstd csv dataclasses datetime decimal difflib email
enum fractions functools gzip hashlib heapq html itertools json lzma math pathlib pickle pprint random re secrets
sqlite3 statistics string struct tempfile textwrap tomllib typing unicodedata uuid xml.etree zipfile zlib zoneinfo
"""


def test_the_standard_library_is_there(new_session: Any) -> None:
    assert new_session().run(f"import {', '.join(_LIBRARY.split())}").error is None


def test_a_result_that_fits_in_memory_once_is_shown(new_session: Any) -> None:
    output = new_session(memory_bytes=96 << 20, output_bytes=100).run("'x' * 20_000_000").output
    assert "[19,999,903 of 20,000,003 bytes cut]" in output
