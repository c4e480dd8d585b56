"""What breaks around a server: its sandbox dies, its disk is full, a client reads slowly or not at all."""

import asyncio
import json
import socket
import threading
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Listener
from rlm_local.home import Home
from rlm_local.serve.app import create_app
from rlm_local.serve.audit import AuditLog
from rlm_local.serve.service import Service
from rlm_local.serve.settings import Settings
from tests.sandbox.processes import kill_processes
from tests.serve.conftest import StartServer
from tests.serve.gate import held
from tests.serve.test_runs import ask, follow
from tests.training.test_convert import full_disk

UPLOAD = b"The gate is red.\n"


def test_a_sandbox_that_dies_in_mid_run_costs_no_answer(start: StartServer) -> None:
    with held(start) as (gate, _, client, run):
        kill_processes()
        gate.open.set()
        assert follow(client, run)[-1]["data"]["answer"]["answer"] == "1"
        assert follow(client, ask(client))[-1]["data"]["answer"]["answer"] == "1"


def test_a_full_disk_ends_a_run_with_a_remedy_and_it_is_gone_on_with_later(start: StartServer) -> None:
    with held(start) as (gate, server, client, run):
        client.get(f"/api/runs/{run}")  # who looks has a line in the record, for which there is no room later
        with full_disk(0):
            gate.open.set()
            error = follow(client, run)[-1]["data"]["error"]
            refused = [client.post("/api/runs", json={"question": "And now?"}), client.get("/api/runs")]
        assert error["code"] == "storage"
        assert {each.json()["error"]["code"] for each in refused} == {"storage"}
        assert "Free some space" in error["message"]
        assert server.service.audit.verify().problems == ()
        assert [item["run_id"] for item in client.get("/api/runs").json()["runs"]] == [run]
        again = client.post(f"/api/runs/{run}/resume").json()["run_id"]
        assert follow(client, again)[-1]["data"]["answer"]["answer"] == "1"


@pytest.mark.parametrize("size", [1, 300_000])  # in memory, and beyond what is kept there
def test_a_file_that_finds_the_disk_full_leaves_nothing(start: StartServer, size: int) -> None:
    server = start()
    with server.client() as client:
        with full_disk(0):
            response = client.post("/v1/files", files={"file": ("gate.txt", UPLOAD * size)})
        assert (response.status_code, response.json()["error"]["code"]) == (500, "storage")
        assert list((server.service.home.serve / "files").iterdir()) == []
        assert client.get("/v1/files").json()["data"] == []
        assert client.post("/v1/files", files={"file": ("gate.txt", UPLOAD * size)}).status_code == 200


def test_a_client_that_does_not_read_keeps_nobody_waiting(start: StartServer) -> None:
    server = start()
    with server.client() as client:
        big = client.post("/v1/files", files={"file": ("big.txt", UPLOAD * 1_000_000)}).json()["id"]
        address = urlsplit(server.url)
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect((address.hostname, address.port))
            slow.sendall(f"GET /v1/files/{big}/content HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
            assert slow.recv(15) == b"HTTP/1.1 200 OK"
            assert follow(client, ask(client))[-1]["data"]["answer"]["answer"] == "1"


def test_a_server_whose_model_breaks_as_nobody_foresaw_goes_down_as_it_should(home: Home) -> None:
    broken = threading.Event()

    def breaks(_name: str, _listener: Listener) -> Engine:
        broken.set()
        raise TypeError

    async def up_and_down() -> list[str]:
        said = list[str]()
        app = create_app(Service(Settings(model="smollm2-135m"), home, breaks))

        async def receive() -> dict[str, str]:
            if not said:
                return {"type": "lifespan.startup"}
            await asyncio.to_thread(broken.wait, 30)
            return {"type": "lifespan.shutdown"}

        async def send(message: MutableMapping[str, Any]) -> None:
            said.append(message["type"])

        await app({"type": "lifespan", "state": {}}, receive, send)
        return said

    assert asyncio.run(up_and_down()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert json.loads(AuditLog.of(home).path.read_text().splitlines()[-1])["what"] == "stop"
