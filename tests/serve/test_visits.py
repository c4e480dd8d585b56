"""Visits: each is recorded before it is done, and a flood of them does not fill the disk."""

import json
from pathlib import Path
from typing import Any

import pytest

from rlm_local.errors import StoreError
from rlm_local.serve.access import LOCAL, Caller
from rlm_local.serve.audit import AuditLog
from rlm_local.serve.keys import Scope
from rlm_local.serve.visits import Visits
from tests.serve.conftest import QUESTION, Running, StartServer

ALICE = Caller("a1", "alice", frozenset([Scope.READ]))


class Clock:
    """Seconds, as a test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit.jsonl", tmp_path)


@pytest.fixture
def visits(log: AuditLog, clock: Clock) -> Visits:
    return Visits(log, clock)


def lines(log: AuditLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def test_a_look_is_recorded_once_an_hour_for_each_caller_and_run(log: AuditLog, visits: Visits, clock: Clock) -> None:
    for clock.now in (0.0, 1.0, 3599.0):
        for caller in (ALICE, LOCAL):
            visits.log_in(caller)
            visits.list(caller)
            for run in ("r1", "r2"):
                visits.read(caller, run)
    told = [(line["who"], line["what"], line.get("run")) for line in lines(log)]
    each = [("login", None), ("list", None), ("read", "r1"), ("read", "r2")]
    assert told == [(who, *what) for who in ("alice", "local") for what in each]
    clock.now = 3600.0
    visits.read(ALICE, "r1")
    assert len(lines(log)) == len(told) + 1


def test_a_flood_of_refusals_is_ten_lines_a_minute_and_all_are_counted(
    log: AuditLog, visits: Visits, clock: Clock
) -> None:
    for number in range(600):
        clock.now = number / 5
        visits.refuse("alice", "10.0.0.7", "invalid_api_key")
    assert len(lines(log)) == 20
    visits.close()
    visits.close()
    told = lines(log)
    assert len(told) == 21
    assert {(line["key"], line["address"], line["code"]) for line in told[:-1]} == {
        ("alice", "10.0.0.7", "invalid_api_key")
    }
    assert 20 + sum(line["untold"] for line in told) == 600


def test_what_could_not_be_recorded_is_recorded_the_next_time(log: AuditLog, visits: Visits) -> None:
    path, log.path = log.path, Path("/dev/full")
    for _ in range(2):
        with pytest.raises(StoreError):
            visits.read(ALICE, "r1")
    log.path = path
    visits.read(ALICE, "r1")
    assert [line["run"] for line in lines(log)] == ["r1"]


WAYS = (
    ("GET", "/api/runs/{run}"),
    ("GET", "/api/runs/{run}/nodes/{node}"),
    ("GET", "/api/runs/{run}/events"),
    ("GET", "/api/runs/{run}/passage?document=visits.csv"),
    ("POST", "/api/runs/{run}/replay"),
    ("POST", "/api/runs/{run}/cancel"),
    ("GET", "/v1/responses/resp_{run}"),
    ("POST", "/v1/responses/resp_{run}/cancel"),
    ("GET", "/api/runs/{run}/export"),
    ("GET", "/api/runs"),
)
"""To be told what a run that has ended came to."""


def test_every_way_to_look_into_a_run_is_recorded_or_closed(server: Running) -> None:
    audit = server.service.audit
    with server.client() as client:
        for method, way in WAYS:
            run = client.post("/v1/responses", json={"input": QUESTION}).json()["id"].removeprefix("resp_")
            [root] = server.service.store.outline(run).nodes
            path = way.format(run=run, node=root.id)
            kept, audit.path = audit.path, Path("/dev/full")
            refused = client.request(method, path)
            audit.path = kept
            before = len(lines(audit))
            assert (refused.status_code, refused.json()["error"]["code"]) == (500, "storage"), path
            assert client.request(method, path).status_code == 200, path
            [line] = lines(audit)[before:]
            assert line["what"] in ("read", "export", "list"), path
            assert line.get("run", run) == run, path


def test_who_is_refused_is_recorded_with_the_key_that_was_claimed(start: StartServer) -> None:
    server = start()
    keys = server.service.keys
    _, asks = keys.make("kiosk", [Scope.ASK])
    alice, text = keys.make("alice", [Scope.READ])
    keys.revoke("alice")
    secret = text.rpartition("_")[2]
    for key in (None, "nonsense", "rlm_", text, f"rlm_{alice.id}_guess", asks):
        with server.client(key) as client:
            assert client.get("/api/runs").status_code == (403 if key == asks else 401)
    server.stop()
    told = [line for line in lines(server.service.audit) if line["what"] == "refuse"]
    assert [(line["key"], line["code"]) for line in told] == [
        *[(None, "invalid_api_key")] * 3,
        *[("alice", "invalid_api_key")] * 2,
        ("kiosk", "missing_scope"),
    ]
    assert {line["address"] for line in told} == {"127.0.0.1"}
    assert secret not in server.service.audit.path.read_text()
