"""Requests that are not meant for the server, or are not what they should be."""

import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.serve.conftest import QUESTION, Running, StartServer

ASK = {"messages": [{"role": "user", "content": QUESTION}]}


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1", "x:80"]
)
def test_a_foreign_host_is_refused(client: httpx2.Client, host: str) -> None:
    response = client.get("/v1/models", headers={"host": host})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "foreign_request")


@pytest.mark.parametrize("host", ["localhost:1", "LOCALHOST", "127.0.0.1", "10.1.2.3:8321", "[::1]:8321"])
def test_addresses_and_localhost_are_not_foreign(client: httpx2.Client, host: str) -> None:
    assert client.get("/v1/models", headers={"host": host}).status_code == 200


def test_a_name_that_was_allowed_is_not_foreign(start: StartServer) -> None:
    with start(hosts=("records.clinic.example",)).client() as client:
        assert client.get("/v1/models", headers={"host": "records.clinic.example:8321"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    ],
)
def test_a_page_of_another_site_may_not_ask(client: httpx2.Client, headers: dict[str, str]) -> None:
    assert client.post("/v1/chat/completions", json=ASK, headers=headers).status_code == 403
    assert client.options("/v1/chat/completions", headers=headers).status_code == 403


def test_the_page_itself_may_ask(client: httpx2.Client, server: Running) -> None:
    headers = {"origin": server.url, "sec-fetch-site": "same-origin"}
    assert client.post("/v1/chat/completions", json=ASK, headers=headers).status_code == 200


def test_every_answer_says_what_a_browser_may_do_with_it(client: httpx2.Client) -> None:
    for path in ("/", "/main.js", "/v1/models", "/nothing", "/openapi.json"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def gigabyte() -> Iterator[bytes]:
    for _ in range(1024):
        yield b" " * (1 << 20)


def test_a_body_of_a_gigabyte_is_cut_off(client: httpx2.Client) -> None:
    try:
        response = client.post("/v1/responses", content=gigabyte(), headers={"content-type": "application/json"})
    except httpx2.TransportError:
        return  # it hung up while we were still sending
    assert response.status_code == 413


def test_a_body_that_claims_a_gigabyte_is_not_waited_for(server: Running) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(1 << 30))
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["error"]["message"]
    connection.close()


def test_a_file_that_is_too_large_leaves_nothing(start: StartServer) -> None:
    server = start(upload_bytes=1 << 20)
    with server.client() as client:
        for size in ((1 << 20) + 1, 3 << 20):
            assert client.post("/v1/files", files={"file": ("big.txt", b"x" * size)}).status_code in (400, 413)
    assert list((server.service.home.serve / "files").iterdir()) == []


DEEP = b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"messages": [{"role": "user", "content": "a"}], "temperature": NaN}',
        b'{"messages": [{"role": "user", "content": "a"}], "temperature": 1e999}',
        b'{"messages": [{"role": "user", "content": "a"}], "timeout": -Infinity}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}], "files": ["\\udfff"]}',
        b'{"messages": [{"role": "user", "content": "a"}], "files": ["' + b"x" * 100_000 + b'"]}',
        b'{"messages": ' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_no_request_is_refused_in_openais_shape(client: httpx2.Client, body: bytes) -> None:
    response = client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert 400 <= response.status_code < 500
    assert response.json()["error"]["message"]
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\x", "a\0b", "x" * 300, "a\r\nb: c", "."])
def test_the_name_of_a_file_leads_nowhere(client: httpx2.Client, server: Running, name: str) -> None:
    response = client.post("/v1/files", files={"file": (name, b"The gate is red.")})
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        assert ".." not in response.json()["filename"].split("/")
        assert not response.json()["filename"].startswith("/")
    assert all(path.name.startswith("file-") for path in (server.service.home.serve / "files").iterdir())


def test_the_page_gives_nothing_but_itself(client: httpx2.Client) -> None:
    assert "<title>rlm-local</title>" in client.get("/").text
    for path in (
        "/../serve.py",
        "/%2e%2e/service.py",
        "/..%2fservice.py",
        "/serve.sqlite",
        "/.git/config",
        "//etc/passwd",
    ):
        assert client.get(path).status_code == 404


def test_a_request_that_is_no_http_is_dropped(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100 + b"\r\n\r\n")
        assert b"200" not in connection.recv(1000)
    with server.client() as client:
        assert client.get("/health").status_code == 200
