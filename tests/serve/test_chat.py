"""POST /v1/chat/completions."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.engine.records import VISITS
from tests.engine.script import writer
from tests.serve.conftest import QUESTION, Running, StartServer


def ask(client: httpx2.Client, content: object = QUESTION, **more: object) -> httpx2.Response:
    return client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": content}], **more})


def events(client: httpx2.Client, **more: object) -> list[Any]:
    body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True, **more}
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line.removeprefix("data: ") for line in response.iter_lines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_an_answer_over_the_shared_folder(client: httpx2.Client, server: Running) -> None:
    answer = ask(client).json()
    assert answer["choices"][0]["message"]["content"] == "1"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]
    assert answer["rlm_local"]["evidence"][0]["document"] == "visits.csv"
    record = server.service.store.get(answer["rlm_local"]["run_id"])
    assert record.answer
    assert record.answer.answer == "1"
    assert [Path(source).name for source in record.start.sources] == ["records"]
    assert answer["id"] == f"chatcmpl-{record.run_id}"


def test_a_stream_begins_with_a_role_and_ends_with_done(client: httpx2.Client) -> None:
    *chunks, done = events(client, stream_options={"include_usage": True})
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert done == "[DONE]"
    assert deltas[0]["role"] == "assistant"
    assert "FROM visits" in "".join(delta.get("reasoning_content", "") for delta in deltas)
    assert "".join(delta.get("content", "") for delta in deltas) == "1"
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] > 0


def test_documents_may_be_in_the_messages(start: StartServer) -> None:
    with start(writer(reads="Ada Brunner")).client() as client:
        asked = "Who is the patient of V-000?"
        answer = ask(client, [{"type": "text", "text": VISITS}, {"type": "text", "text": asked}]).json()
        names = [file["filename"] for file in client.get("/v1/files").json()["data"]]
    assert answer["rlm_local"]["evidence"][0]["document"].startswith("document-1")
    assert names == ["document-1.txt"]


def test_uploaded_files_are_asked_about(client: httpx2.Client) -> None:
    file = client.post("/v1/files", files={"file": ("2024/visits.csv", VISITS)}, data={"purpose": "user_data"}).json()
    by_part = ask(client, [{"type": "file", "file": {"file_id": file["id"]}}, {"type": "text", "text": QUESTION}])
    by_name = ask(client, files=[file["id"]])
    for answer in (by_part.json(), by_name.json()):
        assert answer["choices"][0]["message"]["content"] == "1"
        assert answer["rlm_local"]["evidence"][0]["document"] == "2024/visits.csv"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"messages": []}, 400, "invalid_request"),
        ({"messages": [{"role": "assistant", "content": "hello"}]}, 400, "no_question"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "empty_question"),
        ({"messages": [{"role": "user", "content": QUESTION}], "model": "gpt-9"}, 404, "model_not_found"),
        ({"messages": [{"role": "user", "content": QUESTION}], "files": ["file-0"]}, 404, "file_not_found"),
        ({"messages": [{"role": "user", "content": QUESTION}], "folders": [".."]}, 404, "folder_not_found"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "unsupported_part"),
        ({"messages": [{"role": "user", "content": QUESTION}], "temperature": 7}, 400, "invalid_request"),
    ],
)
def test_what_is_wrong_is_said_in_openais_shape(
    client: httpx2.Client, server: Running, body: object, status: int, code: str
) -> None:
    response = client.post("/v1/chat/completions", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["error"]["message"]
    assert server.service.desk.under_way == []
