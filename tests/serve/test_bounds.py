"""What one request may cost: each of its parts is bounded, and what is refused leaves nothing."""

import httpx2
import pytest

from rlm_local.engine.question import LONGEST_QUESTION
from tests.engine.test_schema_bounds import doubling
from tests.serve.conftest import QUESTION, Running, StartServer

LONG = "The lamp of the north beacon was replaced by Karsten and Sons in May. " * 40


def upload(client: httpx2.Client, name: str, data: bytes) -> str:
    return client.post("/v1/files", files={"file": (name, data)}).json()["id"]


def user(*texts: str) -> dict[str, object]:
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def test_a_file_that_is_named_often_is_read_once(client: httpx2.Client, server: Running) -> None:
    file = upload(client, "gate.txt", b"The gate is red.")
    run = client.post("/api/runs", json={"question": QUESTION, "files": [file] * 160}).json()["run_id"]
    assert client.get(f"/api/runs/{run}").json()["files"] == [file]


def test_all_files_of_a_question_are_bounded_together(start: StartServer) -> None:
    with start(question_bytes=1000).client() as client:
        files = [upload(client, f"{name}.txt", name.encode() * 400) for name in "abc"]
        assert client.post("/api/runs", json={"question": QUESTION, "files": files[:2]}).status_code == 202
        refused = client.post("/api/runs", json={"question": QUESTION, "files": files})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "too_much")
        asked = {"messages": [user("x" * 300, QUESTION)], "files": files[:2]}
        assert client.post("/v1/chat/completions", json=asked).json()["error"]["code"] == "too_much"


def test_texts_in_messages_count_as_files_and_those_of_a_refused_request_are_not_kept(start: StartServer) -> None:
    server = start(quota_bytes=5_000)
    with server.client() as client:
        for body, code in (
            ({"messages": [user(LONG, QUESTION)], "model": "nonesuch"}, "model_not_found"),
            ({"messages": [user(LONG, QUESTION)], "folders": ["nonesuch"]}, "folder_not_found"),
            ({"messages": [user(LONG, LONG.upper(), QUESTION)]}, "quota_exceeded"),
        ):
            assert client.post("/v1/chat/completions", json=body).json()["error"]["code"] == code
            assert client.get("/v1/files").json()["data"] == []
        assert client.post("/v1/chat/completions", json={"messages": [user(LONG, QUESTION)]}).status_code == 200
        assert [file["purpose"] for file in client.get("/v1/files").json()["data"]] == ["messages"]
        assert len(list((server.service.home.serve / "files").iterdir())) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "a"}] * 2_001},
        {"messages": [user(*["a"] * 2_001)]},
        {"messages": [user(*[f"{LONG}{number}" for number in range(1_001)], QUESTION)]},
        {"messages": [user(QUESTION)], "files": ["file-1"] * 10_001},
        {"messages": [user(QUESTION)], "folders": ["records"] * 1_001},
        {"messages": [user(QUESTION)], "model": "x" * 401},
        {
            "messages": [user(QUESTION)],
            "response_format": {"type": "json_schema", "json_schema": {"schema": doubling(50)}},
        },
    ],
    ids=["messages", "parts", "texts", "files", "folders", "model", "schema"],
)
def test_more_of_anything_than_can_be_meant_is_refused(client: httpx2.Client, body: dict[str, object]) -> None:
    refused = client.post("/v1/chat/completions", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]["message"]


def test_a_question_is_no_book(client: httpx2.Client) -> None:
    body = {"question": "x" * (LONGEST_QUESTION + 1)}
    assert client.post("/api/runs", json=body).status_code == 400


def test_time_runs_from_the_request_on(start: StartServer) -> None:
    with start().client() as client:
        run = client.post("/api/runs", json={"question": QUESTION, "timeout": 1e-6}).json()["run_id"]
        while (item := client.get(f"/api/runs/{run}").json())["state"] in ("queued", "running"):
            pass
    assert item["state"] == "timeout"
    assert "time was over" in item["error"]
