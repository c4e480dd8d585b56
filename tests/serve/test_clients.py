"""Programs that people have, unmodified, pointed at a server that is open, and at one that is sealed, has keys, watches
its folders, keeps nothing for long and records words."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import openai
import pytest
from pydantic import BaseModel

from rlm_local.home import Home
from rlm_local.serve.keys import KeyRing, Scope
from rlm_local.serve.state import open_state
from tests.engine.records import VISITS
from tests.serve.conftest import QUESTION, Running, StartServer, seal

MESSAGES = [{"role": "user", "content": QUESTION}]


@pytest.fixture(params=["open", "all on"])
def key(request: pytest.FixtureRequest, home: Home) -> str:
    """What programs give as their key."""
    if request.param == "open":
        return "none"
    seal(home)
    with closing(open_state(home)) as state:
        return KeyRing(state).make("anna", [Scope.ASK, Scope.READ])[1]


@pytest.fixture
def server(key: str, start: StartServer) -> Iterator[Running]:
    """Made after the key."""
    server = start() if key == "none" else start(watch=True, retention_seconds=600.0, audit_texts=True)
    yield server
    assert not server.service.audit.verify().problems


@pytest.fixture
def client(key: str, server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0) as client:
        yield client


def test_openai_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="rlm-local", messages=MESSAGES)  # pyright: ignore
    assert answer.choices[0].message.content == "1"
    assert answer.usage
    assert answer.usage.total_tokens > 0
    assert answer.rlm_local["evidence"][0]["document"] == "visits.csv"  # pyright: ignore


def test_openai_chat_streamed(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="rlm-local:conservative", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )  # pyright: ignore
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "1"
    assert chunks[-1].usage
    assert any(getattr(chunk.choices[0].delta, "reasoning_content", None) for chunk in chunks if chunk.choices)


class Count(BaseModel):
    """What a program wants to be told."""

    count: int


def test_openai_answers_by_schema(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model="rlm-local", messages=MESSAGES, response_format=Count)  # pyright: ignore
    assert answer.choices[0].message.parsed == Count(count=1)
    response = client.responses.parse(model="rlm-local", input=QUESTION, text_format=Count)
    assert response.output_parsed == Count(count=1)
    with pytest.raises(openai.BadRequestError, match="no JSON Schema"):
        client.responses.create(
            model="rlm-local",
            input=QUESTION,
            text={"format": {"type": "json_schema", "name": "a", "schema": {"type": "nothing"}}},
        )


def test_openai_responses(client: openai.OpenAI) -> None:
    response = client.responses.create(model="rlm-local", input=QUESTION)
    assert (response.status, response.output_text) == ("completed", "1")
    assert response.usage
    assert client.responses.retrieve(response.id).output_text == "1"
    assert client.responses.cancel(response.id).status == "completed"


def test_openai_responses_streamed(client: openai.OpenAI) -> None:
    with client.responses.stream(model="rlm-local", input=QUESTION) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert "response.reasoning_summary_text.delta" in kinds
    assert final.output_text == "1"


def test_openai_files_and_models(client: openai.OpenAI) -> None:
    assert {"rlm-local", "rlm-local:direct", "rlm-local:conservative"} <= {model.id for model in client.models.list()}
    file = client.files.create(file=("visits.csv", VISITS.encode()), purpose="user_data")
    assert client.files.retrieve(file.id).filename == "visits.csv"
    assert [each.id for each in client.files.list()] == [file.id]
    assert client.files.content(file.id).read() == VISITS.encode()
    content = [{"type": "file", "file": {"file_id": file.id}}, {"type": "text", "text": QUESTION}]
    answer = client.chat.completions.create(model="rlm-local", messages=[{"role": "user", "content": content}])  # pyright: ignore
    assert answer.choices[0].message.content == "1"
    item = {
        "role": "user",
        "content": [{"type": "input_file", "file_id": file.id}, {"type": "input_text", "text": QUESTION}],
    }
    assert client.responses.create(model="rlm-local", input=[item]).output_text == "1"  # pyright: ignore
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError, match="there is no file"):
        client.files.retrieve(file.id)


def test_openai_errors_are_its_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="there is no model"):
        client.chat.completions.create(model="gpt-9", messages=MESSAGES)  # pyright: ignore
    with pytest.raises(openai.BadRequestError, match="the question is empty"):
        client.chat.completions.create(model="rlm-local", messages=[{"role": "user", "content": " "}])


def test_llm(key: str, server: Running, tmp_path: Path) -> None:
    """simonw's, told of the server in its configuration."""
    model = {"model_id": "records", "model_name": "rlm-local", "api_base": f"{server.url}/v1", "api_key_name": "ours"}
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps([model]))  # JSON is YAML
    (tmp_path / "keys.json").write_text(json.dumps({"ours": key}))
    env = {**os.environ, "LLM_USER_PATH": str(tmp_path)}
    for more in ([], ["--no-stream"]):
        command = [sys.executable, "-m", "llm", "-m", "records", *more, QUESTION]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
        assert done.stdout.strip() == "1", done.stderr


@pytest.mark.filterwarnings("ignore")  # of libraries that are not ours
def test_langchain(key: str, server: Running) -> None:
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="rlm-local", base_url=f"{server.url}/v1", api_key=key, max_retries=0)  # pyright: ignore
    assert model.invoke(QUESTION).content == "1"
    assert "".join(str(chunk.content) for chunk in model.stream(QUESTION)) == "1"
