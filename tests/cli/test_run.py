import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from rlm_local.cli.progress import PlainProgress
from rlm_local.cli.run import print_answer
from rlm_local.cli.shared import Loading
from rlm_local.engine.answer import Answer, Ended, Evidence
from rlm_local.engine.events import Event, Listener
from rlm_local.errors import RlmLocalError, UsageError
from rlm_local.home import Home
from rlm_sandbox import SandboxError
from tests.cli.fakes import ANSWER, FakeEngine, Terminal, not_asked, run_program

ROOT = Path(__file__).parents[2]
RUN = ("run", "What was billed?", "records")


def test_stdout_is_the_answer_alone_and_the_rest_is_on_stderr(home: Path) -> None:
    result = run_program(RUN, FakeEngine(), home)
    assert result.exit_code == 0
    assert result.stdout == "136.60\n"
    assert "invoices/2024.csv:9540-9606  “I-2024-0141,136.60”" in result.stderr
    assert "36.3 s · 2,071 + 23 tokens · 1 calls · tiny · run 0tvb2wcd" in result.stderr


def test_a_terminal_gets_the_evidence_with_the_answer() -> None:
    out, err = Terminal(), Terminal()
    print_answer(ANSWER, out, err)
    assert out.getvalue() == "136.60\n\n[1] invoices/2024.csv:9540-9606  “I-2024-0141,136.60”\n"
    assert "tokens" in err.getvalue()


def test_how_sure_an_answer_is_stands_before_its_cost() -> None:
    err = Terminal()
    print_answer(replace(ANSWER, confidence=0.7), Terminal(), err)
    assert "70% sure · 36.3 s" in err.getvalue()


def test_of_much_evidence_the_first_places_are_shown() -> None:
    out = Terminal()
    print_answer(replace(ANSWER, evidence=ANSWER.evidence * 20), out, Terminal())
    assert out.getvalue().count("invoices/2024.csv") == 8
    assert "and 12 more places: `rlm-local runs show 0tvb2wcd`" in out.getvalue()


def test_json_is_one_object_of_the_promised_shape(home: Path) -> None:
    result = run_program((*RUN, "--json"), FakeEngine(), home)
    data = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert data == json.loads(json.dumps({**ANSWER.data()}))
    assert [*data] == [
        *("run_id", "question", "answer", "found", "ended", "evidence", "usage", "model", "policy", "error"),
        *("value", "basis", "unseen", "confidence"),
    ]
    assert [*data["evidence"][0]] == ["document", "start", "end", "text", "place"]
    assert [*data["usage"]] == ["prompt_tokens", "completion_tokens", "leaf_calls", "nodes", "depth", "seconds"]


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        (Ended.ANSWERED, 0),
        (Ended.BUDGET, 3),
        (Ended.TIMEOUT, 3),
        (Ended.CANCELLED, 130),
        (Ended.ERROR, 1),
    ],
)
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_the_exit_status_says_how_it_ended(home: Path, ended: Ended, status: int, options: tuple[str, ...]) -> None:
    engine = FakeEngine(lambda question, **_options: replace(ANSWER, ended=ended))
    assert run_program((*RUN, *options), engine, home).exit_code == status


def test_a_run_that_broke_says_what_broke_and_prints_no_answer(home: Path) -> None:
    engine = FakeEngine(lambda *_args, **_options: replace(ANSWER, ended=Ended.ERROR, error="the model is gone"))
    result = run_program(RUN, engine, home)
    assert result.stdout == ""
    assert "rlm-local: the model is gone\n" in result.stderr


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RlmLocalError("no such path: records", remedy="Name a file"), 1),
        (UsageError("no such path: records", remedy="Name a file"), 2),
        (SandboxError("no such path: records. Name a file"), 1),
    ],
)
def test_an_error_is_one_line_with_its_remedy(home: Path, error: Exception, status: int) -> None:
    def answer(*_args: object, **_options: object) -> Answer:
        raise error

    result = run_program(RUN, FakeEngine(answer, events=()), home)
    assert result.exit_code == status
    assert result.stdout == ""
    assert result.stderr == "rlm-local: no such path: records. Name a file\n"


@pytest.mark.parametrize("arguments", [("run", "a question"), ("run", "q", "p", "--timeout", "0"), ("nonesuch",)])
def test_a_wrong_command_line_is_status_2(home: Path, arguments: tuple[str, ...]) -> None:
    result = run_program(arguments, FakeEngine(), home)
    assert result.exit_code == 2
    assert result.stderr


def test_options_reach_the_engine(home: Path) -> None:
    engine = FakeEngine()
    options = "--model m --author programs --policy direct --price aggressive".split()
    options += "--max-tokens 5 --max-calls 6 --timeout 7.5 --length points".split()
    run_program(("run", "q", "a", "-", *options), engine, home)
    [asked] = engine.asked
    assert asked.pop("cancel") is not None
    assert engine.made == [Loading("m")]
    assert asked == {
        "question": "q",
        "sources": ["a", "-"],
        "author": "programs",
        "policy": "direct",
        "price": "aggressive",
        "schema": None,
        "length": "points",
        "max_tokens": 5,
        "max_calls": 6,
        "timeout": 7.5,
    }


def test_a_schema_is_read_from_its_file(home: Path) -> None:
    (home / "form.json").write_text('{"type": "integer"}')
    engine = FakeEngine()
    run_program((*RUN, "--schema", home / "form.json"), engine, home)
    assert engine.asked[0]["schema"] == {"type": "integer"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "form.json is not JSON"), ("[]", "form.json is not a JSON object"), (None, "cannot be read")],
)
def test_a_file_that_is_no_schema_is_a_usage_error(home: Path, text: str | None, said: str) -> None:
    if text is not None:
        (home / "form.json").write_text(text)
    result = run_program((*RUN, "--schema", home / "form.json"), FakeEngine(not_asked), home)
    assert result.exit_code == 2
    assert said in result.stderr


def test_flags_are_above_the_environment_and_that_is_above_the_file(home: Path) -> None:
    (home / "config.toml").write_text(
        'max-tokens = 1\nmax-calls = 1\n[run]\nmax-calls = 2\nmodel = "file"\ntimeout = 1'
    )
    env = {"RLM_LOCAL_MODEL": "environment", "RLM_LOCAL_TIMEOUT": "2"}
    engine = FakeEngine()
    run_program((*RUN, "--timeout", "3"), engine, home, env=env)
    [asked] = engine.asked
    assert engine.made == [Loading("environment")]
    assert (asked["timeout"], asked["max_calls"], asked["max_tokens"]) == (3, 2, 1)


EVIL = "\x1b]0;owned\x07\x1b[31mred\x9b2J\r\u202egnp\ud800"


@pytest.mark.parametrize("options", [(), ("--verbose",), ("--json",)])
def test_no_escape_sequence_of_a_document_or_a_model_reaches_the_terminal(home: Path, options: tuple[str, ...]) -> None:
    evil = replace(ANSWER, answer=EVIL, error=EVIL, evidence=(Evidence(EVIL, 0, 1, EVIL),), model="tiny")
    kinds = ("setup", "documents", "decision", "cell", "output", "call")
    engine = FakeEngine(lambda *_args, **_options: evil, [Event(kind, EVIL) for kind in kinds])
    result = run_program((*RUN, *options), engine, home)
    said = result.stdout + result.stderr
    assert "red" in said
    assert not {*said} & {*"\x1b\x07\x9b\r\u202e\ud800"}
    if options == ("--json",):
        assert json.loads(result.stdout)["answer"] == EVIL


def test_progress_is_plain_lines_where_stderr_is_no_terminal(home: Path) -> None:
    quiet = run_program(RUN, FakeEngine(), home).stderr
    assert quiet.splitlines()[:4] == ["loading tiny", "151 documents", "SEARCH: lookup of one value", "judging 3 items"]
    verbose = run_program((*RUN, "--verbose"), FakeEngine(), home).stderr
    assert "SEARCH: lookup of one value\n>>> print(\n>>>     1)\n    1\n" in verbose


def test_ctrl_c_cancels_and_still_prints_the_best_answer_so_far(home: Path) -> None:
    def answer(_question: str, *, cancel: Any, **_options: Any) -> Answer:
        stopped = threading.Event()
        cancel.on_cancel(stopped.set)
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped.wait(20)
        return replace(ANSWER, answer="at least 12", ended=Ended.CANCELLED)

    before = signal.getsignal(signal.SIGINT)
    result = run_program(RUN, FakeEngine(answer), home)
    assert result.exit_code == 130
    assert result.stdout == "at least 12\n"
    assert "cancelling; once more to leave at once" in result.stderr
    assert signal.getsignal(signal.SIGINT) is before


STUBBORN = """
import sys, threading
from pathlib import Path
from rlm_local.cli.app import app
from rlm_local.cli.shared import Shared
from rlm_local.home import Home
from tests.cli.fakes import FakeEngine

def answer(question, *, cancel, **options):
    cancel.on_cancel(lambda: print("cancelled", flush=True))
    print("asked", flush=True)
    threading.Event().wait()

app(["run", "q", "p"], obj=Shared(Home(Path(sys.argv[1])), FakeEngine(answer).make))
"""


def test_a_second_ctrl_c_leaves_at_once(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, str(home)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "cancelled\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130


@pytest.mark.parametrize("swallowed", [False, True])
def test_ctrl_c_during_setup_ends_the_program_even_where_a_library_swallows_it(home: Path, swallowed: bool) -> None:
    class Setup(FakeEngine):
        @contextmanager
        def make(self, model: str | None, home: Home, listener: Listener) -> Iterator[FakeEngine]:
            with suppress(KeyboardInterrupt) if swallowed else nullcontext():
                signal.raise_signal(signal.SIGINT)
            yield self

    engine = Setup(not_asked)
    assert run_program(RUN, engine, home).exit_code == 130
    assert engine.asked == []


def test_a_reader_of_the_progress_that_has_gone_ends_no_run() -> None:
    class Gone(StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    PlainProgress(Gone(), verbose=True)(Event("decision", "SEARCH"))


def test_answers_of_leaf_calls_are_kept_unless_a_flag_or_the_environment_says_no(home: Path) -> None:
    engine = FakeEngine()
    run_program(("run", "How many?", "."), engine, home)
    run_program(("--no-leaf-cache", "run", "How many?", "."), engine, home)
    run_program(("run", "How many?", "."), engine, home, env={"RLM_LOCAL_LEAF_CACHE": "0"})
    assert [made.leaf_cache for made in engine.homes] == [True, False, False]
