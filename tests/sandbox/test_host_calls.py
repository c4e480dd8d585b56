import threading
from typing import Any

import pytest

from rlm_sandbox import HostCallRefused

_SETUP = "import rlm_host\nfrom rlm_host import call\n"


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -(10**30), 1.5, "", "é€😀\ud800\0", [], [1, [2]], {}, {"a": {"b": None}}, "x" * 1_000_000],
)
def test_json_goes_out_and_comes_back(new_session: Any, value: Any) -> None:
    seen: list[Any] = []

    def echo(value: Any) -> Any:
        seen.append(value)
        return value

    session = new_session({"echo": echo}, output_bytes=10_000_000)
    result = session.run(_SETUP + f"ascii(call('echo', value={value!a}))")
    assert (result.error, seen) == (None, [value])
    assert result.output == f"{ascii(value)!r}\n"


def test_calls_nest_in_ordinary_code(new_session: Any) -> None:
    session = new_session({"add": lambda a, b=1: a + b})
    result = session.run(_SETUP + "functools.reduce(lambda a, b: call('add', a=a, b=b), range(100)), call('add', a=1)")
    assert result.output == "(4950, 2)\n"


def test_a_refusal_reaches_the_guest_as_an_exception_it_can_catch(new_session: Any) -> None:
    def refuse() -> None:
        raise HostCallRefused("too expensive: 12,000 tokens")

    session = new_session({"refuse": refuse})
    code = "try:\n  call('refuse')\nexcept RuntimeError as e:\n  print(type(e).__name__, e)"
    assert session.run(_SETUP + code).output == "Refused too expensive: 12,000 tokens\n"
    assert "rlm_host.Refused: too expensive" in session.run("call('refuse')").error
    assert session.alive


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("call('nothing')", "Refused: there is no host function 'nothing'; there are: add"),
        ("call('add')", "TypeError: add(): missing a required argument: 'a'"),
        (
            "call('add', a=1, c=2)",
            "TypeError: add(): got an unexpected keyword argument 'c'",
        ),
        ("call('add', a={1})", "TypeError: add() takes what JSON can say: Object of type set"),
        ("call('add', a=float('nan'))", "TypeError: add() takes what JSON can say"),
        ("a = []; a.append(a); call('add', a=a)", "TypeError: add() takes what JSON can say: Circular reference"),
        ("rlm_host.request(1)", "TypeError: request() takes a str"),
        ("rlm_host.request('\\ud800')", "TypeError: request() takes a str"),
        ("call(5)", "Refused: there is no host function 5"),
    ],
)
def test_a_call_that_makes_no_sense_is_an_error_of_the_guest(new_session: Any, code: str, message: str) -> None:
    session = new_session({"add": lambda a: a})
    assert message in session.run(_SETUP + code).error
    assert session.alive


@pytest.mark.parametrize(
    "request_",
    [
        "''",
        "'null'",
        "'[]'",
        "'{}'",
        "'{\"name\": []}'",
        '\'{"name": {}, "arguments": {}}\'',
        '\'{"name": "add", "arguments": []}\'',
        '\'{"name": "add", "arguments": 5}\'',
        "'[' * 1_000_000",
        "'1' * 1_000_000",
        "json.dumps({'name': 'add', 'arguments': {'a': 1}}) + 'x'",
    ],
)
def test_forged_requests_are_refused(new_session: Any, request_: str) -> None:
    session = new_session({"add": lambda a: a})
    result = session.run(_SETUP + f"'error' in json.loads(rlm_host.request({request_}))")
    assert (result.output, result.error) == ("True\n", None)


def test_what_breaks_in_the_host_passes_out_of_run_and_ends_the_session(new_session: Any) -> None:
    def broken() -> None:
        raise ZeroDivisionError("the host's own")

    session = new_session({"broken": broken})
    with pytest.raises(ZeroDivisionError, match="the host's own"):
        session.run(_SETUP + "try:\n  call('broken')\nexcept BaseException: pass")
    assert not session.alive


def test_a_timeout_in_the_host_is_the_hosts(new_session: Any) -> None:
    def late() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        new_session({"late": late}).run(_SETUP + "call('late')")


def test_an_answer_that_is_no_json_is_the_hosts_mistake(new_session: Any) -> None:
    session = new_session({"wrong": lambda: {1, 2}})
    with pytest.raises(TypeError, match="set"):
        session.run(_SETUP + "call('wrong')")


def test_large_requests_and_answers_are_refused(new_session: Any) -> None:
    session = new_session({"long": lambda text="": text or "x" * 2000}, host_call_bytes=1000)
    assert "may carry 1,000 bytes" in session.run(_SETUP + "call('long', text='x' * 1000)").error
    assert "may carry 1,000 bytes, not the 2,013 that long() answers" in session.run("call('long')").error
    assert session.run("call('long', text='short')").output == "'short'\n"


def test_output_that_looks_like_protocol_is_output(new_session: Any) -> None:
    called: list[int] = []
    session = new_session({"add": lambda a: called.append(a)})
    code = """
import os, struct
for kind in range(12):
    payload = b'{"name": "add", "arguments": {"a": 1}, "alive": false, "result": {}}'
    os.write(1, struct.pack('<BI', kind, len(payload)) + payload)
    print(json.dumps({"name": "add", "arguments": {"a": 1}}))
for descriptor in range(3, 256):
    try: os.write(descriptor, b'x')
    except OSError: pass
    else: print('open', descriptor)
"""
    result = session.run(code)
    assert result.error is None
    assert "open" not in result.output
    assert result.output.count('"add"') == 24
    assert called == []


def test_the_guest_cannot_reach_the_host_by_redefining_its_way_out(new_session: Any) -> None:
    session = new_session({"add": lambda a: a + 1})
    session.run(_SETUP + "rlm_host.json = None\nrlm_host.request = lambda text: '{}'")
    assert session.run("call('add', a=1)").error
    assert session.run('import _rlm_host; json.loads(_rlm_host.request(\'{"name":"add","arguments":{"a":1}}\'))').output


def test_a_call_runs_on_the_thread_that_runs_the_cell(new_session: Any) -> None:
    seen: list[int] = []
    session = new_session({"where": lambda: seen.append(threading.get_ident())})
    session.run(_SETUP + "call('where')")
    assert seen == [threading.get_ident()]
