"""The audit log: what was written is all there, in order, and nothing else."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_local.errors import StoreError, UsageError
from rlm_local.home import Home
from rlm_local.serve.audit import AuditLog
from rlm_local.serve.chain import START, Receipt, Verdict
from rlm_local.serve.erasure import open_erasure
from rlm_local.serve.keys import Scope
from rlm_local.vault import Key
from tests.cli.fakes import FakeEngine, not_asked, run_program
from tests.serve.conftest import QUESTION, Running, StartServer
from tests.serve.gate import held

KEY, OTHER = Key(bytes(32)), Key(bytes([1]) * 32)


def written(folder: Path, lines: int = 6, key: Key | None = None) -> AuditLog:
    (folder / "seal").mkdir(parents=True)
    log = AuditLog(folder / "audit.jsonl", folder / "seal", texts=True, key=key)
    for number in range(lines):
        log.record("alice", "ask", question=f"What is {number}?\n\ud800", run=str(number))
    return log


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return written(tmp_path / "log")


def test_what_was_recorded_verifies(log: AuditLog) -> None:
    verdict = log.verify()
    assert (verdict.lines, verdict.problems) == (6, ())
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert [line["n"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert verdict.receipt == (6, lines[-1]["hash"])
    for path in (log.path, log.path.parent / "seal" / "key", log.path.parent / "seal" / "head"):
        assert (path.stat().st_mode & 0o777) == 0o600


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_bit_can_be_changed(log: AuditLog, place: int, bit: int) -> None:
    for path in (log.path, log.path.parent / "seal" / "head"):
        data = path.read_bytes().rstrip(b" \n")
        changed = bytearray(data)
        changed[place % len(data)] ^= 1 << bit
        path.write_bytes(changed + b"\n")
        try:
            assert log.verify().problems
        finally:
            path.write_bytes(data + b"\n")


def lines_of(log: AuditLog) -> list[bytes]:
    return log.path.read_bytes().splitlines(keepends=True)


def edit(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[AuditLog], object]:
    return lambda log: log.path.write_bytes(b"".join(change(lines_of(log))))


def opened(lines: list[bytes]) -> list[dict[str, Any]]:
    """What they say, sealed or not."""
    return [json.loads(KEY.open_line(line)) for line in lines]


def anew(
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], key: Key | None = None, *, whole: bool = False
) -> Callable[[AuditLog], object]:
    """A chain that holds, of changed lines, made by someone who knows how but has not the key.

    Args:
        key: of theirs, that it is sealed with.
        whole: whether what is kept apart is theirs, too.
    """

    def change_all(log: AuditLog) -> None:
        spare = log.path.parent / "spare"
        forged = written(spare, 0, key)
        for line in change(opened(lines_of(log))):
            forged.record(line["who"], line["what"], question=line["question"], run=line["run"])
        shutil.copy(forged.path, log.path)
        if whole:
            shutil.copytree(spare / "seal", log.path.parent / "seal", dirs_exist_ok=True)

    return change_all


def kept_apart(name: str, data: bytes | None) -> Callable[[AuditLog], object]:
    """The key or the head is deleted, or is what somebody wrote."""

    def change(log: AuditLog) -> None:
        path = log.path.parent / "seal" / name
        path.unlink()
        if data is not None:
            path.write_bytes(data)

    return change


def older_head(log: AuditLog) -> None:
    head = log.path.parent / "seal" / "head"
    head.write_bytes(head.read_bytes().replace(b'"n": 6', b'"n": 5'))


TAMPERED: dict[str, Callable[[AuditLog], object]] = {
    "a word is changed": edit(lambda lines: [lines[0].replace(b"alice", b"mallo"), *lines[1:]]),
    "a line is taken out": edit(lambda lines: [*lines[:2], *lines[3:]]),
    "two lines are swapped": edit(lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]]),
    "a line is put in twice": edit(lambda lines: [*lines[:3], *lines[2:]]),
    "a line of no chain is put in": edit(lambda lines: [*lines[:3], b'{"n":4,"who":"eve"}\n', *lines[3:]]),
    "a line is garbled": edit(lambda lines: [*lines[:3], b"\x00\xff\n", *lines[4:]]),
    "the last line is garbled": edit(lambda lines: [*lines[:5], b"\x00\xff\n"]),
    "the tail is cut": edit(lambda lines: lines[:4]),
    "the last line is cut": edit(lambda lines: lines[:5]),
    "the first lines are cut": edit(lambda lines: lines[2:]),
    "the file is emptied": edit(lambda _: []),
    "the file is deleted": lambda log: log.path.unlink(),
    "the chain is made anew, as long": anew(lambda lines: [{**line, "who": "bob"} for line in lines]),
    "the chain is made anew, shorter": anew(lambda lines: lines[:3]),
    "the chain is made anew, longer": anew(lambda lines: [*lines, lines[0]]),
    "the head is deleted": kept_apart("head", None),
    "the head is put back": older_head,
    "the head is garbled": kept_apart("head", b"{"),
    "the key is deleted": kept_apart("key", None),
    "the key is another": kept_apart("key", bytes(32)),
    "the key is emptied": kept_apart("key", b""),
}


def by_bob(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**line, "who": "bob"} for line in lines]


SEALED: dict[str, Callable[[AuditLog], object]] = {
    **{how: do for how, do in TAMPERED.items() if how != "a word is changed"},
    "a letter is changed": edit(lambda lines: [lines[0][:40] + bytes([lines[0][40] ^ 1]) + lines[0][41:], *lines[1:]]),
    "a line of another state directory is put in": edit(lambda lines: [*lines, OTHER.seal_line(b'{"n":7}')]),
    "a line is sealed again": edit(lambda lines: [OTHER.seal_line(KEY.open_line(lines[0])), *lines[1:]]),
    "the chain is made anew, with a key in clear": anew(by_bob, whole=True),
    "the chain is made anew, sealed": anew(by_bob, OTHER),
    "the chain is made anew, sealed, with its key": anew(by_bob, OTHER, whole=True),
    "the key is sealed with another": kept_apart("key", OTHER.seal(bytes(32))),
}
"""Of a sealed log, by someone who has not the passphrase."""


@pytest.mark.parametrize(
    ("how", "key"), [*((how, None) for how in TAMPERED), *((how, KEY) for how in SEALED)], ids=lambda of: str(of)[:50]
)
def test_tampering_shows_at_once_and_for_ever_and_stops_nothing(tmp_path: Path, how: str, key: Key | None) -> None:
    log = written(tmp_path / "log", key=key)
    (SEALED if key else TAMPERED)[how](log)
    assert log.verify().problems
    log.record("bob", "ask", question="And now?", run="7")
    log.record("bob", "ask", question="And then?", run="8")
    verdict = log.verify()
    assert verdict.problems
    assert [line["run"] for line in opened(lines_of(log)[-2:])] == ["7", "8"]
    assert log.verify(verdict.receipt).problems == ()
    log.record("bob", "ask", question="Since?", run="9")
    assert log.verify(verdict.receipt).problems == ()


def test_what_is_found_broken_is_recorded_once(log: AuditLog, caplog: pytest.LogCaptureFixture) -> None:
    TAMPERED["the tail is cut"](log)
    log.record("bob", "ask", question="And now?", run="7")
    log.record("bob", "ask", question="And then?", run="8")
    found = [json.loads(line) for line in lines_of(log)]
    [broken] = [line for line in found if line["what"] == "broken"]
    assert broken["problem"] == "lines up to number 6 were written, and it ends with number 4"
    assert [line["n"] for line in found] == [1, 2, 3, 4, 7, 8, 9]
    assert "it goes on" in caplog.text


def test_a_log_and_its_key_that_are_both_made_anew_show_by_the_receipt(log: AuditLog, tmp_path: Path) -> None:
    receipt = log.verify().receipt
    shutil.rmtree(log.path.parent)
    other = written(tmp_path / "log", lines=8)
    assert other.verify().problems == ()
    [problem] = other.verify(receipt).problems
    assert (problem.line, problem.problem) == (6, "is not the one that the receipt names")
    shutil.rmtree(log.path.parent)
    [problem] = written(tmp_path / "log", lines=3).verify(receipt).problems
    assert "is not there" in problem.problem


@pytest.mark.parametrize("text", ["", "7", "7:", f"x:{START.hash}", f"-1:{START.hash}", f"7:{START.hash}0"])
def test_what_is_no_receipt_is_refused(text: str) -> None:
    assert Receipt.read(str(START)) == START
    with pytest.raises(UsageError, match="no receipt"):
        Receipt.read(text)


def test_a_crash_between_a_line_and_its_head_is_no_tampering(log: AuditLog) -> None:
    head = log.path.parent / "seal" / "head"
    before = head.read_bytes()
    log.record("alice", "ask", question="And now?", run="7")
    head.write_bytes(before)
    assert log.verify().problems == ()
    log.record("alice", "ask", question="And then?", run="8")
    assert (log.verify().lines, log.verify().problems) == (8, ())


def test_a_line_that_was_cut_short_is_replaced_by_the_next(log: AuditLog) -> None:
    with log.path.open("ab") as file:
        file.write(b'{"n":7,"at":"2026')
    assert log.verify().problems[0].line == 7
    log.record("bob", "ask")
    assert (log.verify().lines, log.verify().problems) == (7, ())


def test_long_lines_are_followed_as_well(log: AuditLog) -> None:
    log.record("bob", "ask", question="x" * 300_000)
    log.record("bob", "ask")
    assert (log.verify().lines, log.verify().problems) == (8, ())


def test_many_write_at_once(log: AuditLog) -> None:
    def write(number: int) -> None:
        AuditLog(log.path, log.path.parent / "seal").record("alice", "ask", number=number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100)))
    assert (log.verify().lines, log.verify().problems) == (106, ())


def test_what_cannot_be_recorded_is_not_done(server: Running) -> None:
    server.service.audit.path = Path("/dev/full")
    with server.client() as client:
        body = {"messages": [{"role": "user", "content": QUESTION}]}
        response = client.post("/v1/chat/completions", json=body)
    server.service.audit.path = Path(os.devnull)
    assert (response.status_code, response.json()["error"]["code"]) == (500, "storage")
    assert list(server.service.store.latest()) == []


def test_an_empty_log_verifies_and_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    assert AuditLog(tmp_path / "new.jsonl", tmp_path).verify() == Verdict(0, START)
    with pytest.raises(StoreError, match="cannot be written"):
        AuditLog(tmp_path / "no" / "audit.jsonl", tmp_path).record("alice", "ask")


def recorded(server: Running) -> Iterator[dict[str, Any]]:
    yield from map(json.loads, server.service.audit.path.read_text().splitlines())


def test_a_server_records_who_asked_what_and_its_words_only_as_a_hash(server: Running) -> None:
    with server.client() as client:
        body = {"messages": [{"role": "user", "content": QUESTION}]}
        run = client.post("/v1/chat/completions", json=body).json()["rlm_local"]["run_id"]
    [asked] = [line for line in recorded(server) if line["what"] == "ask"]
    assert (asked["who"], asked["run"]) == ("local", run)
    assert asked["question"].startswith("hmac-sha256:")
    assert [line["run"] for line in server.service.audit.find(QUESTION)] == [run]
    assert server.service.audit.find(QUESTION.lower()) == []


def test_words_are_kept_where_that_is_wanted_and_a_deletion_says_so(start: StartServer, home: Home) -> None:
    server = start(audit_texts=True)
    with server.client() as client:
        body = {"messages": [{"role": "user", "content": QUESTION}]}
        run = client.post("/v1/chat/completions", json=body).json()["rlm_local"]["run_id"]
        assert [line["question"] for line in server.service.audit.find(QUESTION)] == [QUESTION]
    with open_erasure(home) as erasure:
        [left] = erasure.runs("cli", [run]).left
    assert left.startswith("the audit log has 1 questions")


def test_all_that_changes_or_gives_out_anything_is_recorded_before_it_is_done(start: StartServer) -> None:
    with held(start) as (gate, server, client, run):
        file = client.post("/v1/files", files={"file": ("gate.txt", b"The gate is red.")}).json()["id"]
        client.get(f"/v1/files/{file}/content")
        response = client.post("/v1/responses", json={"input": QUESTION, "background": True}).json()["id"]
        client.post(f"/api/runs/{run}/cancel")
        gate.open.set()
        client.post(f"/v1/responses/{response}/cancel")
        client.get(f"/api/runs/{run}/export")
        client.delete(f"/v1/files/{file}")
        _, key = server.service.keys.make("alice", [Scope.READ])
        with server.client(key) as alice:
            alice.get("/v1/models")
            alice.get("/v1/models")
    what = [line["what"] for line in recorded(server)]
    for done in ("upload", "download", "export", "delete", "login"):
        assert what.count(done) == 1, done
    assert what.count("ask") == 2
    assert what.count("cancel") in (1, 2)  # a run that has ended cannot be cancelled


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/v1/files/{file}"), ("GET", "/v1/files/{file}/content"), ("DELETE", "/api/runs/{run}")],
)
def test_what_cannot_be_recorded_is_neither_deleted_nor_given_out(server: Running, method: str, path: str) -> None:
    with server.client() as client:
        file = client.post("/v1/files", files={"file": ("gate.txt", b"The gate is red.")}).json()["id"]
        body = {"messages": [{"role": "user", "content": QUESTION}], "folders": ["records"]}
        run = client.post("/v1/chat/completions", json=body).json()["rlm_local"]["run_id"]
        log, server.service.audit.path = server.service.audit.path, Path("/dev/full")
        response = client.request(method, path.format(file=file, run=run))
        upload = client.post("/v1/files", files={"file": ("more.txt", b"The gate is blue.")})
        server.service.audit.path = log
        assert (response.status_code, upload.status_code) == (500, 500)
        assert b"The gate" not in response.content
        assert [each["id"] for each in client.get("/v1/files").json()["data"]] == [file]
        assert client.get(f"/api/runs/{run}").status_code == 200


def test_the_program_prints_a_receipt_and_compares_with_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    log = AuditLog.of(Home(home))
    log.record("alice", "ask", question=log.told("Who?"), run="1")

    def said(*command: str) -> tuple[int, str]:
        done = run_program(("audit", *command), FakeEngine(not_asked), home)
        return done.exit_code, done.stdout

    code, text = said("verify", "--json")
    told = json.loads(text)
    assert (code, told["whole"], told["lines"]) == (0, True, 1)
    assert json.loads(said("find", "Who?")[1])["run"] == "1"
    assert said("find", "Whom?") == (0, "")
    log.record("alice", "ask", question=log.told("Whom?"), run="2")
    assert said("verify", "--since", told["receipt"])[0] == 0
    assert said("verify", "--since", "1:no")[0] == 2
    log.path.unlink()
    code, text = said("verify", "--since", told["receipt"])
    assert code == 1
    assert "the line that the receipt names is not there" in text
    assert "lines up to number 2 were written, and it ends with number 0" in text
