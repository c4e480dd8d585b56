"""The server as a process: what it says, a port in use, a second server, kill -9 in the middle of a run."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.serve.audit import AuditLog
from rlm_local.serve.claim import listen
from rlm_local.serve.server import answer_soon
from rlm_local.serve.settings import Settings
from rlm_sandbox import Image
from tests.cli.fakes import FakeEngine, run_program
from tests.serve.conftest import QUESTION, StartServer
from tests.serve.test_runs import follow

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(ROOT), *sys.path])
    environment = {**os.environ, "RLM_LOCAL_HOME": str(home), "PYTHONPATH": path}
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def scripted(home: Path, image: Image, records: Path, port: int) -> "Iterator[subprocess.Popen[str]]":
    """A server in a process of its own, whose model never finishes its first plan."""
    process = program(home, "-m", "tests.serve.stuck", str(image.folder.parent), str(records), str(port))
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(600):
                try:
                    if client.get("/ready").status_code == 200:
                        break
                except httpx2.TransportError:
                    assert process.poll() is None, process.communicate()
                time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_server_leaves_a_whole_log_and_the_next_one_goes_on_with_its_runs(
    image: Image, home: Home, records: Path, start: StartServer
) -> None:
    port = free_port()
    home.root.mkdir(mode=0o700)
    with scripted(home.root, image, records, port) as process:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            runs = [client.post("/api/runs", json={"question": QUESTION}).json()["run_id"] for _ in range(3)]
            while client.get(f"/api/runs/{runs[0]}").json()["nodes"] == []:
                time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with RunStore(home.runs) as store:
        record = store.get(runs[0])
        assert record.start.question == QUESTION
        assert record.answer is None
    assert AuditLog.of(home).verify().problems == ()

    with start().client() as client:
        listed = client.get("/api/runs").json()["runs"]
        assert [(item["run_id"], item["state"]) for item in listed] == [(run, "interrupted") for run in runs[::-1]]
        assert client.get(f"/v1/responses/resp_{runs[0]}").json()["status"] == "failed"
        lines = [json.loads(line) for line in (home.serve / "audit.jsonl").read_text().splitlines()]
        [*_, begun] = (line for line in lines if line["what"] == "start")
        assert sorted(begun["interrupted"]) == sorted(runs)
        for run in (runs[0], runs[2]):  # one that had begun, and one that had waited
            again = client.post(f"/api/runs/{run}/resume").json()["run_id"]
            assert follow(client, again)[-1]["data"]["answer"]["answer"] == "1"
            assert client.get(f"/api/runs/{again}").json()["resumes"] == run
    with RunStore(home.runs) as store:
        assert store.get("last").start.resumes is None
        assert runs[0] in {store.get(summary.run_id).start.resumes for summary in store.latest()}
    assert AuditLog.of(home).verify().problems == ()


def test_what_is_accepted_is_answered_without_delay() -> None:
    with listen(Settings(port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # or asyncio leaves Nagle's algorithm on: 40 ms a request


def test_what_is_loaded_at_the_start_is_not_looked_through_for_garbage_ever_again() -> None:
    interval = sys.getswitchinterval()
    try:
        answer_soon()
        assert gc.get_freeze_count() > 10 * len(gc.get_objects())
        assert sys.getswitchinterval() < interval
    finally:
        gc.unfreeze()
        sys.setswitchinterval(interval)


def test_one_server_uses_a_state_directory(image: Image, home: Home, records: Path) -> None:
    home.root.mkdir(mode=0o700)
    with scripted(home.root, image, records, free_port()):
        second = program(home.root, "-m", "rlm_local", "serve", "--port", str(free_port()), "--model", "smollm2-135m")
        _, err = second.communicate(timeout=60)
    assert second.returncode == 2
    assert "another server uses the state directory" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "{port}"), "cannot be listened on"),
        (("--host", "192.0.2.1"), "cannot be listened on"),
        (("--host", "0.0.0.0", "--port", "{free}"), "there is no key"),
        (("--tls-cert", "{file}"), "TLS needs both"),
        (("--model", "nothing"), "no model is called"),
    ],
)
def test_what_is_wrong_at_the_start_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "file").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = [
            each.format(port=taken.getsockname()[1], free=free_port(), file=tmp_path / "file") for each in arguments
        ]
        result = run_program(["serve", *given], FakeEngine(), tmp_path)
    assert result.exit_code in (1, 2)
    assert said in result.stderr
