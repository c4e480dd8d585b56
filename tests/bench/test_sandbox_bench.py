import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rlm_local.bench.measurement import Measurement
from rlm_local.bench.sandbox import ROWS, Peers, measure, to_svg
from rlm_local.bench.sandbox.peers import PROGRAMS
from rlm_local.errors import UsageError
from rlm_sandbox import Image
from tests.cli.fakes import FakeEngine, not_asked, run_program


def _measured(image: Image, *rows: str, stopped: Callable[[], bool] = lambda: False) -> list[Measurement]:
    return measure(image, Peers(), rows=rows, repeat=1, sessions=20, stopped=stopped, tell=lambda _what: None)


def test_rows_are_measured_in_order_and_only_those_asked_for(image: Image) -> None:
    measured = _measured(image, "soak", "call", "start")
    assert [each.name for each in measured] == [
        "new process, until its first result",
        "the same, plain child Python",
        "host call, there and back",
        "the same, plain child Python over a pipe",
        "20 sessions in a row, growth of memory",
        "20 sessions in a row, growth of descriptors",
        "20 sessions in a row, growth of threads",
    ]
    assert all(each.values[0] > 0 for each in measured[:4])
    assert all(each.values[0] < 20 for each in measured[-2:])  # not one a session; others may leave some meanwhile


def test_a_checkpoint_and_a_session_of_a_pool_are_measured_as_often_as_they_are_short(image: Image) -> None:
    assert {len(each.values) for each in _measured(image, "session", "rollback")} == {10}


def test_it_ends_after_the_row_in_which_it_was_stopped(image: Image) -> None:
    answers = iter([False, True, True])
    measured = _measured(image, "start", "call", "rollback", stopped=lambda: next(answers))
    assert {each.name for each in measured} == {"new process, until its first result", "the same, plain child Python"}


def test_the_programs_are_the_same_everywhere_and_fit_in_one_file() -> None:
    done = subprocess.run([sys.executable, "-I", str(PROGRAMS)], check=True, capture_output=True)
    times: dict[str, list[float]] = json.loads(done.stdout)
    assert len(times) == 8
    assert all(wall > 0 and processor > 0 for wall, processor in times.values())


@pytest.mark.parametrize("package", [None, "{}", '{"version": "0.1"}', "["])
def test_another_pyodide_than_the_sandboxs_is_no_peer(tmp_path: Path, package: str | None) -> None:
    if package is not None:
        (tmp_path / "package.json").write_text(package)
    with pytest.raises(UsageError, match=r"not 314\.0\.7"):
        Peers(tmp_path)


def test_a_child_python_that_fails_says_so() -> None:
    with Peers().python() as peer, pytest.raises(RuntimeError, match="ended"):
        peer.run("import os; os._exit(1)")


def test_the_picture_has_a_bar_for_each_time_and_ratio() -> None:
    measured = [
        Measurement("a <time>", "ms", 3, True, (1.0, 2.0)),
        Measurement("a memory", "MB", 3, True, (1.0, 2.0)),
        Measurement("a ratio", "x", 3, True, (1.0, 2.0), (1.5,)),
    ]
    svg = ElementTree.fromstring(to_svg(measured))
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a <time>", "a ratio", "milliseconds", "times as long"} <= set(texts)
    assert "a memory" not in texts
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}rect"))) == 3


def test_the_command_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    def ends(*options: str) -> Any:
        return run_program(("bench", "sandbox", *options), FakeEngine(not_asked), tmp_path)

    assert ends("--row", "speediest").exit_code == 2
    assert all(row in ends("--row", "speediest").stderr for row in ROWS)
    assert "npm install" in ends("--pyodide", str(tmp_path)).stderr
