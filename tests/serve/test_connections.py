"""Clients that send half a request, read nothing, or are too many."""

import select
import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests.serve.conftest import Running, StartServer

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def connect(server: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=20)


@pytest.fixture
def impatient(start: StartServer) -> Running:
    return start(patience_seconds=0.2, connections=8)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /heal",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 5_000,
        HEAD + b"Content-Length: 1000\r\n\r\n" + b'{"messages": [',
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"mes\r\n',
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea",
    ],
    ids=["nothing", "half a line", "half a head", "half a body", "half of chunks", "half of a second one"],
)
def test_half_a_request_is_not_waited_for(impatient: Running, sent: bytes) -> None:
    with connect(impatient) as client:
        client.sendall(sent)
        assert _ended(client)
    with impatient.client() as other:
        assert other.get("/health").status_code == 200


def test_who_does_not_read_is_dropped(impatient: Running) -> None:
    with impatient.client() as client:
        big = client.post("/v1/files", files={"file": ("big.txt", b"The gate is red.\n" * 1_000_000)}).json()["id"]
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", urlsplit(impatient.url).port or 0))
        slow.sendall(f"GET /v1/files/{big}/content HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert slow.recv(15) == b"HTTP/1.1 200 OK"
        hung_up = select.poll()
        hung_up.register(slow, 0)  # tells that it was reset, without reading what was sent
        assert hung_up.poll(20_000)


def _ended(client: socket.socket) -> bool:
    """Waits for the server to close the connection."""
    try:
        while client.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def test_where_there_are_too_many_the_one_that_has_owed_a_request_for_longest_goes(start: StartServer) -> None:
    server = start(connections=8)
    with ExitStack() as all_:
        waiting = [all_.enter_context(connect(server)) for _ in range(8)]
        for client in waiting:
            client.sendall(b"GET /heal")
        with server.client() as other:
            for _ in range(3):
                assert other.get("/health").status_code == 200
        assert _ended(waiting[0])
        waiting[-1].sendall(b"th HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert waiting[-1].recv(15) == b"HTTP/1.1 200 OK"


def test_a_body_in_chunks_is_bounded_whatever_it_claims(start: StartServer) -> None:
    server = start(body_bytes=100_000)
    with connect(server) as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"2710\r\n" + b" " * 10_000 + b"\r\n"
        for _ in range(11):
            client.sendall(chunk)
        assert client.recv(12) == b"HTTP/1.1 413"
