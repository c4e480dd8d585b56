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


def test_a_result_that_fits_in_memory_once_is_shown(new_session: Any) -> None:
    output = new_session(memory_bytes=96 << 20, output_bytes=100).run("'x' * 20_000_000").output
    assert "[19,999,903 of 20,000,003 bytes cut]" in output
