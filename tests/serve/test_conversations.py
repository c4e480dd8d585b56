"""Follow-ups over the API: by the run or the response before, or by the messages of a conversation."""

import json
from typing import Any

import httpx2
import pytest

from tests.engine.records import VISITS
from tests.engine.script import talker
from tests.serve.conftest import COUNT, QUESTION, Running, StartServer

DENTISTRY = "How many visits to Dentistry were cancelled?"


@pytest.fixture
def server(start: StartServer) -> Running:
    return start(talker(QUESTION, COUNT))


def run(client: httpx2.Client, **body: Any) -> dict[str, Any]:
    """A run through `/api/runs`, when it is over."""
    asked = client.post("/api/runs", json=body)
    assert asked.status_code == 202, asked.text
    run_id = asked.json()["run_id"]
    client.get(f"/api/runs/{run_id}/events")  # ends with the run
    return client.get(f"/api/runs/{run_id}").json()


def test_a_follow_up_is_understood_from_the_run_before_and_can_be_corrected(client: httpx2.Client) -> None:
    first = run(client, question=DENTISTRY)
    second = run(client, question="and to Surgery?", follows=first["run_id"])
    assert (second["question"], second["said"]) == (QUESTION, "and to Surgery?")
    assert (second["follows"], second["answer"]) == (first["run_id"], "1")
    assert (first["question"], first["said"], first["follows"]) == (DENTISTRY, DENTISTRY, None)
    corrected = run(client, question=DENTISTRY, follows=first["run_id"], exactly=True)
    assert (corrected["question"], corrected["follows"]) == (DENTISTRY, first["run_id"])
    assert client.get("/api/runs").json()["runs"][1]["question"] == QUESTION


def test_it_is_over_what_the_run_before_was_over(client: httpx2.Client) -> None:
    file = client.post("/v1/files", files={"file": ("own.csv", VISITS)}, data={"purpose": "user_data"}).json()["id"]
    first = run(client, question=DENTISTRY, files=[file])
    second = run(client, question="and to Surgery?", follows=first["run_id"])
    assert (second["files"], second["folders"]) == ([file], [])


def test_a_follow_up_to_a_run_that_is_not_there_is_told(client: httpx2.Client) -> None:
    first = run(client, question=DENTISTRY)
    removed = client.delete(f"/api/runs/{first['run_id']}")
    assert removed.status_code == 200
    asked = client.post("/api/runs", json={"question": "and to Surgery?", "follows": first["run_id"]})
    assert (asked.status_code, asked.json()["error"]["code"]) == (404, "run_not_found")
    body = {"input": "and to Surgery?", "previous_response_id": f"resp_{first['run_id']}"}
    assert client.post("/v1/responses", json=body).status_code == 404
    for wrong in ("", "\ud800", "../x"):
        for path, body in (
            ("/api/runs", {"question": "Who?", "follows": wrong}),
            ("/v1/responses", {"input": "Who?", "previous_response_id": wrong}),
        ):
            headers = {"content-type": "application/json"}
            assert client.post(path, content=json.dumps(body), headers=headers).status_code == 400


def test_a_run_that_is_deleted_names_those_that_follow_it(client: httpx2.Client) -> None:
    first = run(client, question=DENTISTRY)
    second = run(client, question="and to Surgery?", follows=first["run_id"])
    [left] = client.delete(f"/api/runs/{first['run_id']}").json()["left"]
    assert second["run_id"] in left
    assert client.delete(f"/api/runs/{second['run_id']}").json()["left"] == []


def test_responses_name_the_one_before(client: httpx2.Client) -> None:
    first = client.post("/v1/responses", json={"input": DENTISTRY}).json()
    body = {"input": "and to Surgery?", "previous_response_id": first["id"]}
    second = client.post("/v1/responses", json=body).json()
    assert (second["rlm_local"]["question"], second["previous_response_id"]) == (QUESTION, first["id"])
    assert second["output"][0]["content"][0]["text"] == "1"


def test_messages_of_a_conversation_go_on_from_the_run_that_answered(client: httpx2.Client, server: Running) -> None:
    messages = [{"role": "user", "content": DENTISTRY}]
    first = client.post("/v1/chat/completions", json={"messages": messages}).json()
    said = first["choices"][0]["message"]["content"]
    messages += [{"role": "assistant", "content": said}, {"role": "user", "content": "and to Surgery?"}]
    second = client.post("/v1/chat/completions", json={"messages": messages}).json()
    assert second["rlm_local"]["question"] == QUESTION
    assert f"Understood as: {QUESTION}" in second["choices"][0]["message"]["reasoning_content"]
    start = server.service.store.get(second["rlm_local"]["run_id"]).start
    assert start.follows == first["rlm_local"]["run_id"]


def test_messages_that_no_run_here_answered_are_turns_all_the_same(client: httpx2.Client, server: Running) -> None:
    messages = [
        {"role": "user", "content": DENTISTRY},
        {"role": "assistant", "content": "Three, says another server."},
        {"role": "user", "content": "and to Surgery?"},
    ]
    answer = client.post("/v1/chat/completions", json={"messages": messages}).json()
    start = server.service.store.get(answer["rlm_local"]["run_id"]).start
    assert (start.question, start.follows) == (QUESTION, None)
    assert start.understood is not None
    assert "Answer: Three, says another server." in start.understood["call"]["messages"][-1]["content"]


def test_a_thousand_turns_do_not_grow_the_prompt(client: httpx2.Client, server: Running) -> None:
    turn = [{"role": "user", "content": DENTISTRY}, {"role": "assistant", "content": "none " * 200}]
    messages = [*(turn * 990), {"role": "user", "content": "and to Surgery?"}]
    answer = client.post("/v1/chat/completions", json={"messages": messages}).json()
    start = server.service.store.get(answer["rlm_local"]["run_id"]).start
    assert start.understood is not None
    assert len(start.understood["call"]["messages"][-1]["content"]) < 2_000
    assert [source.rpartition("/")[2] for source in start.sources] == ["records"]  # no answer became a document
