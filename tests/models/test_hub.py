import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rlm_local.models import CATALOG
from rlm_local.models.catalog import HubFile, ModelSpec
from rlm_local.models.errors import CatalogError, LoadError, PullError
from rlm_local.models.hub import Address, Entry, adopt, described
from tests.models.architectures import ARCHITECTURES, HYBRID

COMMIT, LATER = "a" * 40, "b" * 40
ENTRY = Entry(COMMIT, 2_000_000_000, "12" * 32, "llama3.2")
ADDRESS = Address("owner/Some-GGUF", "Some-3B-Q4_K_M.gguf", None)
KEPT = ModelSpec("some-3b-q4_k_m", "Some-3B-Q4_K_M", "llama3.2", ENTRY.bytes, ENTRY.sha256,
                 hub=HubFile(ADDRESS.repository, COMMIT, ADDRESS.file))  # fmt: skip


def not_asked(address: Address) -> Entry:
    raise AssertionError(f"the hub was asked for {address}")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("owner/repo:model.gguf", Address("owner/repo", "model.gguf", None)),
        ("o.w-n/r_e.po:Q4/model-Q4_K_M.GGUF@main", Address("o.w-n/r_e.po", "Q4/model-Q4_K_M.GGUF", "main")),
        (f"a/b:c.gguf@{COMMIT}", Address("a/b", "c.gguf", COMMIT)),
        ("qwen2.5-coder-1.5b", None),
        ("owner/repo", None),
        ("owner/repo:model.safetensors", None),
        ("../../etc:passwd", None),
        ("http://127.0.0.1:8000/v1#x.gguf", None),
        ("./models/x.gguf", None),
    ],
)
def test_what_an_address_is(text: str, address: Address | None):
    assert Address.read(text) == address
    assert address is None or str(address) == text


def test_a_new_model_is_pinned_by_what_the_hub_says():
    spec = adopt(ADDRESS, [], ask=lambda _address: ENTRY)
    assert spec == KEPT


def test_a_large_model_is_taken_to_write_programs():
    assert adopt(ADDRESS, [], ask=lambda _: Entry(COMMIT, 8_000_000_000, "12" * 32, "mit")).author == "programs"


def test_what_was_pulled_before_is_not_asked_for():
    assert adopt(ADDRESS, [KEPT], ask=not_asked) is KEPT
    assert adopt(Address(ADDRESS.repository, ADDRESS.file, COMMIT), [KEPT], ask=not_asked) is KEPT
    first = CATALOG[0]
    assert first.hub is not None
    assert adopt(Address(first.hub.repository, first.hub.file, None), [], ask=not_asked) is first


def test_another_revision_with_the_same_bytes_is_the_same_model():
    later = Address(ADDRESS.repository, ADDRESS.file, LATER)
    assert adopt(later, [KEPT], ask=lambda _: Entry(LATER, ENTRY.bytes, ENTRY.sha256, "llama3.2")) is KEPT


def test_a_file_that_changed_since_it_was_pinned_is_refused_by_name():
    later = Address(ADDRESS.repository, ADDRESS.file, LATER)
    with pytest.raises(PullError, match=f"{KEPT.name} is pinned to") as caught:
        adopt(later, [KEPT], ask=lambda _: Entry(LATER, ENTRY.bytes, "34" * 32, "llama3.2"))
    assert f"rlm-local models remove {KEPT.name}" in caught.value.remedy


def test_a_name_that_is_taken_gets_the_repositorys_before_it():
    other = Address("else/Some-GGUF", ADDRESS.file, None)
    assert adopt(other, [KEPT], ask=lambda _: ENTRY).name == "else-some-gguf-some-3b-q4_k_m"


def test_a_part_of_a_file_is_refused():
    with pytest.raises(CatalogError, match="several parts"):
        adopt(Address("a/b", "x-00001-of-00003.gguf", None), [], ask=not_asked)


MODEL = {
    "id": "owner/Some-GGUF",
    "sha": COMMIT,
    "tags": ["gguf", "license:llama3.2"],
    "gguf": {"architecture": "llama", "context_length": 131072},
    "siblings": [
        {"rfilename": "README.md", "size": 10},
        {
            "rfilename": "Some-3B-Q4_K_M.gguf",
            "size": 2_000_000_000,
            "lfs": {"sha256": "12" * 32, "size": 2_000_000_000, "pointerSize": 135},
        },
    ],
}


@contextmanager
def hub(status: int, kind: str, body: bytes) -> Iterator[str]:
    """What answers every request so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def asked(url: str) -> str:
    """What a process says that asks this hub: its address is read once, at the start."""
    program = (
        "from rlm_local.models.hub import *\n"
        "try:\n    print(look_up(Address('owner/Some-GGUF', 'Some-3B-Q4_K_M.gguf', None)))\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    environment = {**os.environ, "HF_ENDPOINT": url, "PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "0"}
    environment["NO_PROXY"] = "127.0.0.1"
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True).stdout


def test_the_hub_says_commit_size_hash_and_licence():
    with hub(200, "application/json", json.dumps(MODEL).encode()) as url:
        assert asked(url).strip() == str(replace(ENTRY, architecture="llama"))


def test_files_that_are_there_are_named_where_the_one_asked_for_is_not():
    other = {**MODEL, "siblings": [{**MODEL["siblings"][1], "rfilename": "Other.gguf"}]}
    with hub(200, "application/json", json.dumps(other).encode()) as url:
        said = asked(url)
    assert said.startswith("PullError")
    assert "Other.gguf" in said


@pytest.mark.parametrize("architecture", ["granitehybrid", "lfm2", "qwen3next", "falcon-h1", "mamba2", "qwen35"])
def test_a_model_with_a_state_is_refused_by_name_before_it_is_fetched(architecture: str):
    with pytest.raises(LoadError, match=f"{ADDRESS} is of the architecture {architecture}"):
        adopt(ADDRESS, [], ask=lambda _: replace(ENTRY, architecture=architecture))


def test_a_file_says_itself_that_it_has_a_state(tmp_path: Path):
    path = HYBRID.write(tmp_path / "some.gguf")
    with pytest.raises(LoadError, match=f"{KEPT.name} is of the architecture lfm2"):
        described(KEPT, path)
    other = ARCHITECTURES[0].write(tmp_path / "other.gguf")
    assert (described(KEPT, other).context, described(KEPT, other).cell_bytes) == (2048, 512)


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", b"<!doctype html><title>Sign in to the network</title>"),
        (200, "application/json", b"[]"),
        (404, "application/json", b'{"error": "Repository not found"}'),
        (503, "text/html", b"<h1>busy</h1>"),
    ],
)
def test_what_is_no_hub_is_told_with_the_remedy(status: int, kind: str, body: bytes):
    with hub(status, kind, body) as url:
        said = asked(url)
    assert said.startswith("PullError")
    assert "no sign-in page" in said
    assert url in said
