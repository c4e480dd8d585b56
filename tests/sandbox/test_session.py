"""The REPL: state, output, errors, texts."""

import threading
from pathlib import Path
from typing import Any

import pytest

from rlm_sandbox import Image, Session, SessionBusy, SessionClosed, TextLost, TextTooLarge
from tests.sandbox.processes import processes


def test_variables_functions_and_imports_persist(new_session: Any) -> None:
    session = new_session()
    assert session.run("import hashlib\nx = [1]\ndef double(n): return 2 * n").output == ""
    assert session.run("x.append(double(21)); x").output == "[1, 42]\n"
    assert session.run("hashlib.sha256(b'').hexdigest()[:4]").output == "'e3b0'\n"


def test_two_sessions_do_not_share_state(new_session: Any) -> None:
    one, two = new_session(), new_session()
    one.run("secret = 1; json.secret = 2; open('/tmp/secret', 'w').write('3')")
    result = two.run("'secret' in globals(), hasattr(json, 'secret'), __import__('os').path.exists('/tmp/secret')")
    assert result.output == "(False, False, False)\n"


def test_random_numbers_differ_between_sessions(new_session: Any) -> None:
    cell = "random.random(), __import__('os').urandom(8), __import__('uuid').uuid4()"
    assert new_session().run(cell).output != new_session().run(cell).output


def test_common_modules_are_there_without_import(shared_session: Session) -> None:
    names = "json re math statistics collections itertools datetime csv random functools heapq textwrap string"
    result = shared_session.run(f"[name for name in {names.split()} if name not in globals()]")
    assert result.output == "[]\n"


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("1 + 1", "2\n"),
        ("None", ""),
        ("x = 1", ""),
        ("for i in range(2): i", ""),
        ("print('a'); 'b'", "a\n'b'\n"),
        ("", ""),
        ("# nothing", ""),
        ("'é\\ud800\\0'", "'é\\ud800\\x00'\n"),
        ("print('\\ud800 😀')", "\\ud800 😀\n"),
        ("import sys; print(1); print(2, file=sys.stderr); print(3)", "1\n2\n3\n"),
        ("import sys; sys.stdout.write('no newline')", "no newline10\n"),
    ],
)
def test_output_is_that_of_a_notebook(shared_session: Session, code: str, output: str) -> None:
    result = shared_session.run(code)
    assert (result.output, result.error) == (output, None)


def test_a_traceback_shows_source_lines_of_all_cells_and_no_frame_of_the_driver(new_session: Any) -> None:
    session = new_session()
    session.run("def divide(a, b):\n    return a / b  # here")
    error = session.run("\n\ndivide(1, 0)").error
    assert 'File "<cell 2>", line 3' in error
    assert 'File "<cell 1>", line 2, in divide' in error
    assert "return a / b  # here" in error
    assert error.endswith("ZeroDivisionError: division by zero\n")
    assert "driver" not in error


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def f(:", "SyntaxError: invalid syntax"),
        ("x = '\0'", "SyntaxError: source code string cannot contain null bytes"),
        ("x = '\ud800'", "UnicodeEncodeError"),
        ("class E(BaseException):\n  def __str__(self): raise SystemExit\nraise E", "<exception str() failed>"),
        ("exit()", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise MemoryError", "MemoryError"),
        ("input('name? ')", "RuntimeError: input() has nobody to ask"),
        ("def f(n): return f(n + 1)\nf(0)", "RecursionError: maximum recursion depth exceeded"),
        ("json.loads('[' * 100_000)", "JSONDecodeError"),
        ("eval('(' * 100_000)", "SyntaxError"),
    ],
)
def test_what_code_does_wrong_is_data(shared_session: Session, code: str, message: str) -> None:
    result = shared_session.run(code)
    assert message in (result.error or "")
    assert result.stopped is None
    assert shared_session.alive


def test_a_cell_that_breaks_the_streams_does_not_break_the_next(new_session: Any) -> None:
    session = new_session()
    for code in ("import sys; sys.stdout.close()", "sys.stdout = None", "import os; os.close(1); os.close(2)"):
        session.run(code)
        assert session.run("print('here')").output == "here\n"


@pytest.mark.parametrize(
    "code",
    [
        "rlm_driver.json.dumps = lambda *args: 'x'",
        "rlm_driver._format = lambda error: 5",
        "rlm_driver._format = lambda error: 'x' * 100_000_000",
        "rlm_driver.json.dumps = lambda *args: '[' * 1_000_000",
        "rlm_driver.json.dumps = lambda *args: b'no str'",
        "rlm_driver.run.__code__ = (lambda source: 5).__code__",
    ],
)
def test_a_cell_that_tampers_with_the_driver_harms_only_its_session(new_session: Any, code: str) -> None:
    session = new_session()
    session.run("import rlm_driver; " + code)
    assert session.run("1 / 0").stopped is None
    assert session.alive


def test_ten_megabytes_of_code_run(new_session: Any) -> None:
    session = new_session()
    assert session.run("x = '" + "y" * 10_000_000 + "'\nlen(x)").output == "10000000\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "é",
        "€",
        "😀",
        "\0",
        "\ud800",
        "ascii\0text\r\n",
        "latin é\xff",
        "greek Ω\ud800\udc00 €",
        "astral 😀\U0010ffff\ud800",
        "a" * 5 + "\udfff",
    ],
)
def test_texts_of_every_layout_arrive_as_they_are(shared_session: Session, text: str) -> None:
    shared_session.set_text("context", text)
    assert shared_session.run("[ord(c) for c in context]").output == f"{[ord(c) for c in text]}\n"
    same = shared_session.run(f"context == {text!a}, hash(context) == hash({text!a}), {{context: 1}}[{text!a}]")
    assert same.output == "(True, True, 1)\n"


def test_a_text_of_a_hundred_megabytes(new_session: Any) -> None:
    session = new_session(memory_bytes=256 << 20)
    session.set_text("context", "0123456789" * 10_000_000)
    assert session.run("len(context), context[-1], context.count('7')").output == "(100000000, '9', 10000000)\n"


@pytest.mark.slow
@pytest.mark.parametrize(("character", "width"), [("x", 1), ("€", 2), ("😀", 4)])
def test_a_text_of_a_gigabyte(new_session: Any, character: str, width: int) -> None:
    session = new_session(memory_bytes=2 << 30, seconds=600)
    length = (1 << 30) // width
    session.set_text("context", character * (length - 1) + ".")
    assert session.run("len(context), context[0], context[-1]").output == f"({length}, {character!r}, '.')\n"
    assert session.run("context.find('.')").output == f"{length - 1}\n"


def test_a_text_without_room_is_refused_and_the_session_goes_on(new_session: Any) -> None:
    session = new_session(memory_bytes=128 << 20)
    session.set_text("context", "kept")
    for size in (120 << 20, 129 << 20):
        with pytest.raises(TextTooLarge, match="context"):
            session.set_text("context", "x" * size)
    assert session.run("context").output == "'kept'\n"


def test_a_finaliser_in_the_way_of_a_text_cannot_hold_it_up(new_session: Any) -> None:
    session = new_session(seconds=0.3, grace_seconds=0.3)
    session.run(
        "class Trap:\n  def __del__(self):\n    while True:\n      try:\n        while True: pass\n      except: pass"
    )
    session.run("context = Trap()")
    with pytest.raises(TextLost, match="did not stop when it was interrupted; the variables are as they were"):
        session.set_text("context", "text")
    assert session.run("type(context).__name__").output == "'Trap'\n"


def test_a_text_needs_a_name(shared_session: Session) -> None:
    with pytest.raises(ValueError, match="'no name'"):
        shared_session.set_text("no name", "text")


def test_a_closed_session_says_so(new_session: Any) -> None:
    session = new_session()
    session.close()
    session.close()
    assert not session.alive
    with pytest.raises(SessionClosed):
        session.run("1")
    with pytest.raises(SessionClosed):
        session.set_text("context", "")


def test_a_session_in_use_is_busy(new_session: Any) -> None:
    raised: list[BaseException] = []

    def use_again() -> None:
        try:
            session.run("2")
        except SessionBusy as error:
            raised.append(error)

    session = new_session({"again": use_again})
    assert session.run("import rlm_host; rlm_host.call('again'); 'done'").output == "'done'\n"
    assert len(raised) == 1


def test_killing_ends_a_running_cell_at_once(new_session: Any) -> None:
    killer: list[threading.Timer] = []

    def running() -> None:
        killer.append(threading.Timer(0.05, session.kill))
        killer[0].start()

    session = new_session({"running": running})
    result = session.run("import rlm_host; rlm_host.call('running')\nwhile True: pass")
    killer[0].join()
    assert (result.stopped, session.alive) == ("killed", False)
    assert result.seconds < 10


def test_killing_while_the_host_works_ends_the_cell_when_it_returns(new_session: Any) -> None:
    session = new_session({"work": lambda: session.kill()})
    result = session.run("import rlm_host; rlm_host.call('work'); print('not reached')")
    assert (result.stopped, result.output, session.alive) == ("killed", "", False)


def test_nothing_is_left_when_a_session_is_dropped(image: Image) -> None:
    before = (len(list(Path("/proc/self/fd").iterdir())), processes())
    session = Session(image)
    session.run("x = 1")
    assert processes() != before[1]
    del session
    assert (len(list(Path("/proc/self/fd").iterdir())), processes()) == before
