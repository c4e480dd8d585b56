"""The audit log: what was written is all there, in order, and nothing else."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_local.errors import StoreError
from rlm_local.serve.audit import AuditLog
from tests.serve.conftest import QUESTION, Running


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    log = AuditLog(tmp_path / "audit.jsonl")
    for number in range(6):
        log.record("alice", "ask", question=f"What is {number}?\n\ud800", run=str(number))
    return log


def test_what_was_recorded_verifies(log: AuditLog) -> None:
    verdict = log.verify()
    assert (verdict.lines, verdict.problem) == (6, "")
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert [line["n"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[-1]["hash"] == verdict.last
    assert (log.path.stat().st_mode & 0o777) == 0o600


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_bit_can_be_changed(log: AuditLog, place: int, bit: int) -> None:
    data = log.path.read_bytes()
    changed = bytearray(data)
    changed[place % len(data)] ^= 1 << bit
    log.path.write_bytes(changed)
    try:
        assert log.verify().problem
    finally:
        log.path.write_bytes(data)


@pytest.mark.parametrize("number", range(5))
def test_no_line_can_be_taken_out_or_moved(log: AuditLog, number: int) -> None:
    lines = log.path.read_bytes().splitlines(keepends=True)
    for changed in ([*lines[:number], *lines[number + 1 :]], [*lines[:number], lines[5], *lines[number:5]]):
        log.path.write_bytes(b"".join(changed))
        assert log.verify().line == number + 1


def test_a_line_that_was_cut_short_is_replaced_by_the_next(log: AuditLog) -> None:
    with log.path.open("ab") as file:
        file.write(b'{"n":7,"at":"2026')
    assert log.verify().line == 7
    log.record("bob", "ask")
    assert (log.verify().lines, log.verify().problem) == (7, "")


def test_long_lines_are_followed_as_well(log: AuditLog) -> None:
    log.record("bob", "ask", question="x" * 300_000)
    log.record("bob", "ask")
    assert (log.verify().lines, log.verify().problem) == (8, "")


def test_many_write_at_once(log: AuditLog) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: AuditLog(log.path).record("alice", "ask", number=number), range(100)))
    assert (log.verify().lines, log.verify().problem) == (106, "")


def test_what_cannot_be_recorded_is_not_done(server: Running) -> None:
    server.service.audit.path = Path("/dev/full")
    with server.client() as client:
        body = {"messages": [{"role": "user", "content": QUESTION}]}
        response = client.post("/v1/chat/completions", json=body)
    server.service.audit.path = Path(os.devnull)
    assert (response.status_code, response.json()["error"]["code"]) == (500, "storage")
    assert list(server.service.store.latest()) == []


def test_an_empty_log_verifies_and_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    assert AuditLog(tmp_path / "new.jsonl").verify().lines == 0
    with pytest.raises(StoreError, match="cannot be written"):
        AuditLog(tmp_path / "no" / "audit.jsonl").record("alice", "ask")


def test_a_server_records_who_asked_what(server: Running) -> None:
    with server.client() as client:
        body = {"messages": [{"role": "user", "content": QUESTION}]}
        run = client.post("/v1/chat/completions", json=body).json()["rlm_local"]["run_id"]
    lines = [json.loads(line) for line in server.service.audit.path.read_text().splitlines()]
    [asked] = [line for line in lines if line["what"] == "ask"]
    assert (asked["who"], asked["run"], asked["question"]) == ("local", run, QUESTION)
