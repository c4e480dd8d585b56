"""/api/runs: ask, list, look into, follow, cancel, run again, export."""

import json
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from rlm_local.engine.engine import Engine
from rlm_local.log import RunStore
from rlm_local.models import resolve
from rlm_local.serve.api.shapes import of_job
from rlm_local.serve.jobs import Job
from rlm_sandbox import Image
from tests.cli.fakes import ANSWER
from tests.engine.records import DOCUMENTS
from tests.engine.script import writer
from tests.serve.conftest import COUNT, QUESTION, Running, StartServer
from tests.serve.gate import held


def ask(client: httpx2.Client, question: str = QUESTION, **more: object) -> str:
    response = client.post("/api/runs", json={"question": question, **more})
    assert response.status_code == 202, response.text
    return response.json()["run_id"]


def follow(client: httpx2.Client, run: str, after: int | None = None) -> list[dict[str, Any]]:
    headers = {} if after is None else {"last-event-id": str(after)}
    told: list[dict[str, Any]] = []
    with client.stream("GET", f"/api/runs/{run}/events", headers=headers) as response:
        assert response.status_code == 200
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                told.append({"id": int(value)})
            elif name == "event":
                told = told if told and "kind" not in told[-1] else [*told, {}]
                told[-1]["kind"] = value
            elif name == "data":
                told[-1]["data"] = json.loads(value)
    return told


def test_a_run_is_followed_to_its_end(client: httpx2.Client) -> None:
    told = follow(client, ask(client))
    kinds = [each["kind"] for each in told]
    assert kinds[:2] == ["queued", "started"]
    assert kinds.index("node") < kinds.index("decision") < kinds.index("cell") < kinds.index("output")
    assert kinds[-1] == "ended"
    assert told[-1]["data"]["answer"]["answer"] == "1"
    assert [each["id"] for each in told] == list(range(1, len(told) + 1))


def test_following_goes_on_where_it_was_cut(client: httpx2.Client) -> None:
    run = ask(client)
    told = follow(client, run)
    assert follow(client, run, after=3) == told[3:]
    assert follow(client, run, after=len(told)) == []


def test_a_run_of_before_is_told_as_ended(client: httpx2.Client, server: Running) -> None:
    run = ask(client)
    follow(client, run)
    server.service.desk._ended.clear()  # pyright: ignore[reportPrivateUsage]  as after a restart
    [ended] = follow(client, run, after=3)
    assert (ended["kind"], ended["data"]["answer"]["answer"]) == ("ended", "1")


def test_a_run_is_looked_into(client: httpx2.Client) -> None:
    run = ask(client)
    follow(client, run)
    detail = client.get(f"/api/runs/{run}").json()
    assert (detail["state"], detail["answer"], detail["sources"]) == ("answered", "1", ["records"])
    [root] = detail["nodes"]
    assert (root["parent"], root["question"], root["open"], root["failed"]) == (None, QUESTION, False, False)
    assert root["decisions"][0]["action"] == "SEARCH"
    node = client.get(f"/api/runs/{run}/nodes/{root['id']}").json()
    assert "FROM visits" in node["turns"][0]["cell"]
    assert client.get(f"/api/runs/{run}/nodes/{root['id'] + 1}").status_code == 404


def test_evidence_opens_at_its_place(client: httpx2.Client, server: Running) -> None:
    run = ask(client)
    [place] = follow(client, run)[-1]["data"]["answer"]["evidence"]
    where = {"document": place["document"], "start": place["start"], "end": place["end"], "around": 30}
    found = client.get(f"/api/runs/{run}/passage", params=where).json()
    at = place["start"] - found["start"]
    assert found["text"][at : at + len(place["text"])] == place["text"]
    assert (found["length"], found["changed"]) == (len(DOCUMENTS["visits.csv"]), False)
    assert client.get(f"/api/runs/{run}/passage", params={"document": "/etc/passwd"}).status_code == 404

    (server.service.folders["records"] / "new.txt").write_text("The gate is red.")
    assert client.get(f"/api/runs/{run}/passage", params=where).json()["changed"]


def test_runs_are_listed_and_searched_page_by_page(client: httpx2.Client) -> None:
    runs: list[str] = []
    for number in range(5):
        runs.append(ask(client, f"{QUESTION} ({number})"))
        follow(client, runs[-1])
    first = client.get("/api/runs", params={"limit": 3}).json()
    assert [item["run_id"] for item in first["runs"]] == runs[:1:-1]
    assert first["more"]
    rest = client.get("/api/runs", params={"limit": 3, "before": first["runs"][-1]["run_id"]}).json()
    assert [item["run_id"] for item in rest["runs"]] == runs[1::-1]
    assert not rest["more"]
    found = client.get("/api/runs", params={"search": "SURGERY WERE CANCELLED? (3"}).json()["runs"]
    assert [item["run_id"] for item in found] == [runs[3]]
    assert client.get("/api/runs", params={"search": "zebra"}).json() == {"runs": [], "more": False}


def test_a_run_is_run_again_and_exported(client: httpx2.Client) -> None:
    run = ask(client)
    follow(client, run)
    assert client.post(f"/api/runs/{run}/replay").json()["same"]
    lines = [json.loads(line) for line in client.get(f"/api/runs/{run}/export").text.splitlines()]
    assert [line["type"] for line in lines] == ["run", "node", "turn", "answer"]
    assert lines[0]["run_id"] == run


def test_a_run_that_was_cancelled_is_gone_on_with(start: StartServer) -> None:
    with held(start) as (gate, _, client, run):
        busy = client.post(f"/api/runs/{run}/resume")
        assert (busy.status_code, busy.json()["error"]["code"]) == (400, "under_way")
        client.post(f"/api/runs/{run}/cancel")
        gate.open.set()
        assert follow(client, run)[-1]["data"]["answer"]["ended"] == "cancelled"
        again = client.post(f"/api/runs/{run}/resume").json()["run_id"]
        assert follow(client, again)[-1]["data"]["answer"]["answer"] == "1"
        detail = client.get(f"/api/runs/{again}").json()
        assert (detail["resumes"], detail["sources"]) == (run, ["records"])
        done = client.post(f"/api/runs/{again}/resume")
        assert (done.status_code, done.json()["error"]["code"]) == (400, "answered")


def test_a_run_is_not_gone_on_with_over_other_documents(start: StartServer) -> None:
    with held(start) as (gate, server, client, run):
        client.post(f"/api/runs/{run}/cancel")
        gate.open.set()
        follow(client, run)
        (server.service.folders["records"] / "new.txt").write_text("The gate is red.")
        again = client.post(f"/api/runs/{run}/resume").json()["run_id"]
        assert "not what run" in follow(client, again)[-1]["data"]["error"]["message"]


def test_a_key_sees_its_own_runs_only(server: Running) -> None:
    texts = {name: server.service.keys.make(name, ["ask", "read"])[1] for name in ("alice", "bob")}  # pyright: ignore
    with server.client(texts["alice"]) as alice, server.client(texts["bob"]) as bob:
        run = ask(alice)
        follow(alice, run)
        for method, path in (
            ("GET", ""),
            ("GET", "/nodes/1"),
            ("GET", "/events"),
            ("GET", "/export"),
            ("GET", "/passage?document=visits.csv"),
            ("POST", "/cancel"),
            ("POST", "/resume"),
            ("POST", "/replay"),
        ):
            response = bob.request(method, f"/api/runs/{run}{path}")
            assert response.status_code == 404, path
            assert bob.request(method, f"/api/runs/last{path}").status_code == 404
        assert bob.get(f"/v1/responses/resp_{run}").status_code == 404
        assert bob.get("/api/runs").json()["runs"] == []
        assert [item["run_id"] for item in alice.get("/api/runs").json()["runs"]] == [run]


def test_runs_of_the_command_line_are_the_administrators(server: Running, image: Image) -> None:
    store = RunStore(server.service.home.runs)
    with Engine.of(resolve("smollm2-135m"), writer(COUNT), image, store) as engine:
        run = engine.ask(QUESTION, [server.service.folders["records"]]).run_id
    with server.client() as local:
        assert [item["run_id"] for item in local.get("/api/runs").json()["runs"]] == [run]
        assert local.get(f"/api/runs/{run}/passage", params={"document": "visits.csv"}).json()["changed"] is False
    _, text = server.service.keys.make("alice", ["ask", "read"])  # pyright: ignore
    with server.client(text) as alice:
        assert alice.get(f"/api/runs/{run}").status_code == 404
        assert alice.get("/api/runs").json()["runs"] == []


@pytest.mark.parametrize("run", ["nothing", "last", "", "%00", "..", "a" * 10_000])
def test_a_run_that_is_not_there_is_not_found(client: httpx2.Client, run: str) -> None:
    assert client.post(f"/api/runs/{run}/cancel").status_code in (404, 405)


def test_the_policy_of_a_run_is_the_one_that_decided() -> None:
    asked, chosen = (
        Job("0", "local", "What?", "rlm-local"),
        Job("1", "local", "What?", "x", options={"policy": "direct"}),
    )
    assert of_job(asked, replace(ANSWER, policy="prompted")).policy == "prompted"
    assert (of_job(asked, None).policy, of_job(chosen, None).policy) == ("", "direct")
