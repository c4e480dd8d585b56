"""A server with a sealed state directory: no word of documents and questions stands in any file while it works."""

from pathlib import Path

import pytest

from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Listener
from rlm_local.home import Home
from rlm_local.models import ensure_model, resolve
from tests.engine.records import VISITS
from tests.serve.conftest import QUESTION, StartServer, seal
from tests.serve.test_erasure import ask, upload

WORDS = [f"Wort{number}harbour" for number in range(200)]
LETTER = f"{' '.join(WORDS)}\n" * 500
"""More than a request holds in memory."""


def found(folder: Path) -> set[str]:
    """The words that stand in a file below a folder, or in its name."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    data = b"\0".join((*(path.read_bytes() for path in paths), *(str(path).encode() for path in paths)))
    return {word for word in WORDS if word.encode() in data}


@pytest.mark.parametrize("sealed", [False, True])
def test_no_file_has_a_word_of_what_was_uploaded_or_asked(start: StartServer, home: Home, sealed: bool) -> None:
    if sealed:
        seal(home)
    server = start()
    with server.client() as client:
        files = [upload(client, f"{WORDS[0]}.txt", LETTER), upload(client, "visits.csv", VISITS)]
        said = f"{QUESTION} {WORDS[1]}"
        for file in files:
            assert client.get(f"/api/runs/{ask(client, file, said)}").json()["question"] == said
        content = [{"type": "text", "text": text} for text in (LETTER[:20_000], said)]
        answer = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": content}]})
        assert answer.status_code in (200, 500)
        assert found(home.root) == (set() if sealed else set(WORDS))
    server.stop()
    assert found(home.root) == (set() if sealed else set(WORDS))


def test_a_model_in_a_process_of_its_own_answers_and_leaves_no_word(start: StartServer, home: Home) -> None:
    seal(home)
    for name in ("models", "image"):
        (home.root / name).symlink_to(getattr(Home.default(), name))
    ensure_model(resolve("smollm2-135m"), home.models)

    def engine(model: str, listener: Listener) -> Engine:
        return Engine(model, home=home, listener=listener, context=2048)

    server = start(make=engine)
    with server.client() as client:
        content = [{"type": "text", "text": " ".join(WORDS[:60])}, {"type": "text", "text": f"What is {WORDS[0]}?"}]
        body = {"model": "rlm-local:direct", "messages": [{"role": "user", "content": content}]}
        answered = client.post("/v1/chat/completions", json=body)
    assert answered.json()["rlm_local"]["ended"] == "answered"
    server.stop()
    assert not found(home.root)
