"""What is deleted is nowhere in the state directory: searched byte by byte, and in all values that are deflated."""

import json
import os
import time
import zlib
from dataclasses import replace
from pathlib import Path

import httpx2
import numpy as np
import pytest

from rlm_local.collection import Collection
from rlm_local.errors import UsageError
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.models.leaves import LeafCache
from rlm_local.models.shelf import Shelf
from rlm_local.serve.audit import AuditLog
from rlm_local.serve.erasure import open_erasure
from rlm_local.serve.keys import Scope
from rlm_local.sqlite import connect
from tests.engine.records import VISITS
from tests.log.sample import run_start, write_run
from tests.serve.conftest import QUESTION, Running, StartServer
from tests.serve.gate import Gate, held

ASKED = "How many visits of Okafor to Surgery were cancelled?"
SECRETS = ("Okafor", "Brunner", "okafor.csv", "Marsh")
NAME = "okafor.csv"


def everything(home: Home) -> bytes:
    """All that the state directory holds: its files' names and bytes, and the values of its logs."""
    parts = list[bytes]()
    for path in home.root.rglob("*"):
        parts.append(path.name.encode())
        if path.is_file():
            parts.append(path.read_bytes())
    log = connect(home.root / "runs.sqlite")
    parts += [zlib.decompress(data) for (data,) in log.execute("SELECT data FROM blob")]
    log.close()
    return b"\0".join(parts)


def found(home: Home) -> set[str]:
    data = everything(home)
    return {secret for secret in SECRETS if secret.encode() in data}


def upload(client: httpx2.Client, name: str = NAME, text: str = VISITS) -> str:
    return client.post("/v1/files", files={"file": (name, text.encode())}).json()["id"]


def ask(client: httpx2.Client, file: str, question: str = ASKED) -> str:
    run = client.post("/api/runs", json={"question": question, "files": [file]}).json()["run_id"]
    while client.get(f"/api/runs/{run}").json()["state"] in ("queued", "running"):
        time.sleep(0.02)
    return run


def warm_caches(home: Home, text: str) -> None:
    """As a model would that read a text."""
    leaves = LeafCache(home.root / "leaves.sqlite", b"weights")
    leaves.put({leaves.key(["query"], b"", text.encode()): text})
    leaves.close()
    Shelf(home.kv, b"weights").save(np.arange(9, dtype=np.int32), text.encode())


def test_a_file_goes_with_all_that_was_derived_from_it(server: Running, client: httpx2.Client, home: Home) -> None:
    file, other = upload(client), upload(client, "roof.txt", "The roof was repaired by Karsten.")
    run, kept = ask(client, file), ask(client, other, "Who repaired the roof?")
    warm_caches(home, VISITS)
    assert found(home) == set(SECRETS)
    removed = client.delete(f"/v1/files/{file}").json()["removed"]
    assert (removed["runs"], removed["files"], len(removed["collections"])) == ([run], [file], 1)
    assert removed["values"] > 5
    assert (removed["leaf_answers"], removed["kv"]) == (1, 1)
    assert found(home) == set()
    assert [each["run_id"] for each in client.get("/api/runs").json()["runs"]] == [kept]
    assert client.get(f"/api/runs/{kept}/export").text.count("\n") > 3
    assert client.get(f"/api/runs/{run}").status_code == 404


def test_a_run_goes_with_the_texts_that_came_in_its_messages(client: httpx2.Client, home: Home) -> None:
    content = [{"type": "text", "text": text} for text in (VISITS, ASKED)]
    messages = [{"role": "user", "content": content}]
    run = client.post("/v1/chat/completions", json={"messages": messages}).json()["rlm_local"]["run_id"]
    again = client.post("/v1/chat/completions", json={"messages": messages}).json()["rlm_local"]["run_id"]
    assert client.delete(f"/api/runs/{run}").json()["files"] == []  # the other run is over the same text
    assert "Okafor" in found(home)
    assert len(client.delete(f"/api/runs/{again}").json()["files"]) == 1
    assert found(home) == set()


def test_runs_are_kept_where_that_is_asked_for(client: httpx2.Client) -> None:
    file = upload(client)
    run = ask(client, file)
    removed = client.delete(f"/v1/files/{file}", params={"keep_runs": True}).json()["removed"]
    assert (removed["runs"], removed["files"]) == ([], [file])
    assert client.get(f"/api/runs/{run}").json()["state"] == "answered"


def test_what_is_under_way_is_not_deleted(start: StartServer) -> None:
    with held(start) as (gate, _, client, run):
        response = client.delete(f"/api/runs/{run}")
        assert (response.status_code, response.json()["error"]["code"]) == (400, "under_way")
        assert client.post("/api/runs/purge", json={"older_than": 1e-3}).json()["runs"] == []
        gate.open.set()


def test_each_key_deletes_its_own(server: Running) -> None:
    texts = {name: server.service.keys.make(name, [Scope.ASK, Scope.READ])[1] for name in ("alice", "bob")}
    with server.client(texts["alice"]) as alice, server.client(texts["bob"]) as bob:
        run = ask(alice, upload(alice))
        assert bob.delete(f"/api/runs/{run}").status_code == 404
        time.sleep(0.01)
        assert bob.post("/api/runs/purge", json={"older_than": 1e-3}).json()["runs"] == []
        assert alice.post("/api/runs/purge", json={"older_than": 1e-3}).json()["runs"] == [run]


def test_what_is_older_than_the_retention_goes_by_itself(start: StartServer, home: Home) -> None:
    with start().client() as client:
        file, unused = upload(client), upload(client, "okafor-2.txt", "Okafor")
        run = ask(client, file)
    state = connect(home.serve / "serve.sqlite")
    with state:
        state.execute("UPDATE file SET made = made - 5000")
        state.execute("UPDATE job SET accepted = accepted - 5000")
        state.execute("UPDATE file SET made = made + 5000 WHERE id = ?", (unused,))
    state.close()
    with open_erasure(home) as erasure:
        removed = erasure.older("retention", time.time() - 4000, uploads=True)
    assert (removed.runs, removed.files) == ((run,), (file,))
    last = json.loads(AuditLog.of(home).path.read_text().splitlines()[-1])
    assert (last["who"], last["what"]) == ("retention", "delete")
    assert (last["runs"], last["files"], last["collections"]) == ([run], [file], list(removed.collections))
    with open_erasure(home) as erasure:
        assert erasure.older("retention", time.time() - 4000, uploads=True).runs == ()
        assert [each.id for each in erasure.uploads.list(None)] == [unused]


def test_a_server_deletes_what_is_too_old_when_it_starts(start: StartServer, home: Home) -> None:
    with RunStore(home.runs) as store:
        log = store.begin(run_start("Was Okafor here?"))
        write_run(log, turns=1)
    time.sleep(0.01)
    server = start(retention_seconds=0.001)
    with server.client() as client:
        for _ in range(200):
            if not client.get("/api/runs").json()["runs"]:
                break
            time.sleep(0.02)
    assert found(home) == set()


def test_a_collection_goes_with_the_runs_over_it(home: Home, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(VISITS)
    Collection.open([tmp_path / NAME], home=home, name="visits").close()
    with RunStore(home.runs) as store:
        write_run(store.begin(run_start(ASKED)), turns=1)
        over = store.begin(replace(run_start("How many?"), sources=(str(tmp_path / NAME),)))
        write_run(over, turns=1)
    with open_erasure(home) as erasure:
        removed = erasure.collections("cli", ["visits"], keep_runs=False)
    assert (removed.collections, removed.runs) == (("visits",), (over.run_id,))
    assert found(home) == {"Okafor"}  # in the question of the run over something else
    assert list(home.collections.iterdir()) == []


def test_training_sets_that_were_made_from_a_run_are_named(home: Home) -> None:
    with RunStore(home.runs) as store:
        log = store.begin(run_start())
        write_run(log, turns=1)
    folder = home.training / "small" / "data"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps({"runs": [log.run_id, "another"]}))
    with open_erasure(home) as erasure:
        assert erasure.resolve("last") == log.run_id
        [left] = erasure.runs("cli", [log.run_id]).left
    assert str(folder) in left
    assert "from 1 of these runs" in left


def test_a_run_that_never_began_is_deleted_by_its_whole_id(start: StartServer, home: Home) -> None:
    gate = Gate()
    with start(gate.model, at_once=1).client() as client:
        client.post("/api/runs", json={"question": QUESTION})
        assert gate.reached.wait(30)
        waiting = client.post("/api/runs", json={"question": "Was Quine here?"}).json()["run_id"]
        client.post(f"/api/runs/{waiting}/cancel")
        assert b"Quine" in everything(home)
        with open_erasure(home) as erasure:
            assert erasure.resolve(waiting) == waiting
            with pytest.raises(UsageError, match="no run"):
                erasure.resolve("zzzz")
            assert erasure.runs("cli", [waiting]).runs == (waiting,)
        assert client.get(f"/api/runs/{waiting}").status_code == 404
        assert b"Quine" not in everything(home)
        gate.open.set()


def test_what_was_kept_of_calls_since_stays(home: Home) -> None:
    with RunStore(home.runs) as store:
        write_run(store.begin(run_start()), turns=1)
    warm_caches(home, "Okafor")
    for kept in home.kv.glob("*.kv"):
        os.utime(kept, (1, 1))
    moment = time.time()
    time.sleep(0.01)
    leaves = LeafCache(home.root / "leaves.sqlite", b"weights")
    leaves.put({b"later": "kept"})
    Shelf(home.kv, b"weights").save(np.arange(5, dtype=np.int32), b"new")
    with open_erasure(home) as erasure:
        removed = erasure.older("cli", moment)
    assert (len(removed.runs), removed.leaf_answers, removed.kv) == (1, 1, 1)
    assert leaves.get([b"later"]) == {b"later": "kept"}
    assert found(home) == set()
    leaves.close()
