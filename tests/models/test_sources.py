"""The hub's own client against a hub of our own, in a process of its own: it reads its endpoint when it is imported."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

WEIGHTS = b"weights" * 100_000

FETCH = """
import json, sys
from pathlib import Path
from rlm_local.models.catalog import HubFile, ModelSpec
from rlm_local.models.pull import ensure_model
from rlm_local.models.sources import from_hub

said = []
spec = ModelSpec("far", "Far", "", int(sys.argv[2]), sys.argv[3], hub=HubFile("some/one", "0" * 40, "far.gguf"))
try:
    path = ensure_model(spec, Path(sys.argv[1]), sources=[("hub", from_hub)], progress=lambda *each: said.append(each))
except Exception as error:
    print(json.dumps({"error": str(error)}))
else:
    print(json.dumps({"path": str(path), "said": said}))
"""


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for one file of one revision."""

    def do_HEAD(self) -> None:
        known = self.path.endswith(f"/some/one/resolve/{'0' * 40}/far.gguf")
        self.send_response(200 if known or self.path == "/" else 404)
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", '"etag"')
        self.send_header("Content-Length", str(len(WEIGHTS)))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(WEIGHTS)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fetch(endpoint: str, directory: Path, sha256: str) -> dict[str, object]:
    environment = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(directory / "hf"),
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-c", FETCH, str(directory / "models"), str(len(WEIGHTS)), sha256],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == "", "nothing but our own progress is shown"
    return json.loads(done.stdout)


def test_a_file_from_the_hub(hub: str, tmp_path: Path):
    result = fetch(hub, tmp_path, hashlib.sha256(WEIGHTS).hexdigest())
    assert Path(str(result["path"])).read_bytes() == WEIGHTS
    assert any("from the hub" in what for what, _ in result["said"])  # type: ignore[attr-defined]


def test_a_hub_with_other_bytes(hub: str, tmp_path: Path):
    assert "its sha256 is" in str(fetch(hub, tmp_path, "0" * 64)["error"])


def test_a_hub_that_is_not_there_is_given_up_at_once(tmp_path: Path):
    assert "not reachable" in str(fetch("http://127.0.0.1:9", tmp_path, "0" * 64)["error"])
