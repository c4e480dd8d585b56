"""What a cell may use: time, memory, output, host calls, files."""

import time
from typing import Any

import pytest


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(1000)",
        "re.match(r'(a+)+$', 'a' * 40 + 'b')",
        "10 ** 10 ** 8",
        "[x for x in iter(int, 1)]",
        "while True: print('x' * 1000)",
    ],
)
def test_the_time_limit_interrupts_and_the_state_survives(new_session: Any, code: str) -> None:
    session = new_session(seconds=0.2, grace_seconds=5)
    session.run("kept = 1")
    result = session.run(code)
    assert result.stopped == "time"
    assert "KeyboardInterrupt\nStopped: a cell may compute for 0.2 seconds." in result.error
    assert 0.2 <= result.seconds < 5
    assert session.run("kept").output == "1\n"


def test_an_interrupt_can_be_used_to_finish(new_session: Any) -> None:
    session = new_session(seconds=0.2, grace_seconds=5)
    result = session.run("try:\n  while True: pass\nexcept KeyboardInterrupt:\n  print('finished')")
    assert (result.output, result.error, result.stopped) == ("finished\n", None, None)


@pytest.mark.parametrize(
    "code",
    [
        "sum(range(10 ** 12))",
        "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    ],
)
def test_what_does_not_heed_the_interrupt_is_rolled_back(new_session: Any, code: str) -> None:
    session = new_session(seconds=0.2, grace_seconds=0.2)
    session.run("kept = [1]")
    result = session.run("kept.append(2)\n" + code)
    assert result.stopped == "time"
    assert "the variables are as they were before this cell\nStopped: a cell may compute for 0.2 s" in result.error
    assert session.run("kept").output == "[1]\n"


def test_output_before_a_hard_stop_is_kept(new_session: Any) -> None:
    session = new_session(seconds=0.2, grace_seconds=0.2)
    assert session.run("print('before', flush=True); sum(range(10 ** 12))").output == "before\n"


def test_time_in_host_calls_does_not_count(new_session: Any) -> None:
    session = new_session({"slow": lambda: time.sleep(0.5)}, seconds=0.3)
    result = session.run("import rlm_host; rlm_host.call('slow'); 'done'")
    assert (result.output, result.stopped) == ("'done'\n", None)
    assert result.seconds < 0.3


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(500_000_000)",
        "x = 'a' * 10 ** 9",
        "x = []\nwhile True: x.append('x' * 1_000_000)",
        "x = {}\nwhile True: x[len(x)] = str(len(x))",
    ],
)
def test_the_memory_limit_is_a_memory_error_and_the_session_lives(new_session: Any, code: str) -> None:
    session = new_session(memory_bytes=96 << 20)
    session.run("kept = 1")
    result = session.run(code)
    assert result.stopped == "memory"
    assert "MemoryError\nStopped: the sandbox has 96 MiB of memory." in result.error
    assert session.run("kept").output == "1\n"
    assert session.run("del x\nlen(bytearray(20_000_000))").output or session.run("1").output


def test_an_error_of_the_cell_that_only_looks_like_a_limit_is_none(new_session: Any) -> None:
    session = new_session()
    for code in ("raise KeyboardInterrupt", "raise MemoryError", "import rlm_host; raise rlm_host.CallLimit"):
        assert session.run(code).stopped is None


def test_output_is_cut_in_the_middle_and_says_how_much(new_session: Any) -> None:
    session = new_session(output_bytes=1000)
    output = session.run("print('start' + 'x' * 10_000_000 + 'end')").output
    assert output.startswith("startxxx")
    assert output.endswith("xxxend\n")
    assert "[9,999,009 of 10,000,009 bytes cut]" in output
    assert len(output) < 1100


def test_a_traceback_is_cut_too(new_session: Any) -> None:
    error = new_session(output_bytes=1000).run("raise ValueError('x' * 10_000_000)").error
    assert error.startswith("Traceback")
    assert "bytes cut" in error
    assert len(error) < 1100


def test_host_calls_are_counted_per_cell(new_session: Any) -> None:
    session = new_session({"one": lambda: 1}, host_calls=5)
    loop = "import rlm_host\nwhile True: rlm_host.call('one')"
    for _ in range(2):
        result = session.run(loop)
        assert result.stopped == "host_calls"
        assert "CallLimit: a cell may make 5 host calls" in result.error
    assert session.run("[rlm_host.call('one') for _ in range(5)]").output == "[1, 1, 1, 1, 1]\n"


def test_scratch_files_are_bounded(new_session: Any) -> None:
    session = new_session(file_bytes=1 << 20)
    error = session.run("with open('/tmp/f', 'wb') as f: f.write(bytes(2 << 20))").error
    assert error.endswith("No space left on device\nIn the sandbox, files may take 1,048,576 bytes in all.\n")
    assert session.run("open('/tmp/f', 'wb').write(b'ok')").output == "2\n"
    assert session.run("1 / 0").error.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("files = []\nwhile True: files.append(open('/dev/null'))", "256 files may be open at once"),
        ("for n in itertools.count(): open(f'/tmp/{n}', 'w').close()", "there may be 20,000 files"),
    ],
)
def test_files_are_counted(new_session: Any, code: str, limit: str) -> None:
    result = new_session().run(code)
    assert result.error.endswith(f"In the sandbox, {limit}.\n")
    assert result.stopped is None


def test_too_deep_a_recursion_says_so(new_session: Any) -> None:
    session = new_session()
    session.run("kept = 1\ndef deep(n): return deep(n + 1)")
    assert session.run("deep(0)").error.endswith("RecursionError: maximum recursion depth exceeded\n")
    result = session.run("import sys; sys.setrecursionlimit(10 ** 9); deep(0)")
    assert result.error
    assert session.run("kept").output == "1\n"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os._exit(3)", "exit(3)"),
        ("import os; os.abort()", "abort()"),
        ("import faulthandler; faulthandler._sigsegv()", "abort()"),
        ("a = ()\nfor _ in range(3_000_000): a = (a,)\ndel a", "stack exhausted"),
    ],
)
def test_what_crashes_python_costs_only_its_cell_and_says_why(new_session: Any, code: str, reason: str) -> None:
    session = new_session()
    session.run("kept = 1; open('/tmp/kept', 'w').write('2')")
    result = session.run(f"kept = 3; open('/tmp/kept', 'w').write('4')\n{code}")
    assert result.stopped == "trap"
    assert reason in result.error
    assert session.run("kept, open('/tmp/kept').read()").output == "(1, '2')\n"


@pytest.mark.parametrize(
    "limits", [{"memory_bytes": 1 << 20}, {"memory_bytes": 8 << 30}, {"seconds": 0}, {"host_calls": -1}]
)
def test_limits_that_make_no_sense_are_refused(new_session: Any, limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"memory_bytes|positive"):
        new_session(**limits)


def test_the_clock_of_the_process_does_not_run_while_the_cell_waits(new_session: Any) -> None:
    code = "import time\nbefore = time.process_time()\ntime.sleep(0.3)\ntime.process_time() - before < 0.2"
    assert new_session().run(code).output == "True\n"
