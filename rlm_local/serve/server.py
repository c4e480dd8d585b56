"""The process: one server for a state directory, how it listens, and how it goes down."""

import fcntl
import os
import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from rlm_local.errors import UsageError
from rlm_local.home import Home
from rlm_local.serve.app import create_app
from rlm_local.serve.service import Service
from rlm_local.serve.settings import Settings

_PARTING_SECONDS = 5
"""For the last answers to be sent, after the last run has ended."""


class Server(uvicorn.Server):
    """uvicorn, which lets runs end before it closes connections; a second Ctrl-C cancels them."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        await self._service.desk.close(self._service.settings.grace_seconds, hurry=lambda: self.force_exit)
        await super().shutdown(sockets)


def serve(service: Service, listener: socket.socket) -> None:
    """Answers requests until a signal ends it."""
    settings = service.settings
    tempfile.tempdir = str(service.home.serve)  # an upload on its way is a document, too
    config = uvicorn.Config(
        create_app(service),
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_PARTING_SECONDS,
        timeout_keep_alive=30,
    )
    Server(config, service).run(sockets=[listener])


@contextmanager
def only_one(home: Home) -> Generator[None]:
    """Holds the state directory for this server.

    Raises:
        UsageError: another server has it.
    """
    descriptor = os.open(home.serve / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another server uses the state directory {home.root}",
                remedy="Stop it, or set RLM_LOCAL_HOME to another directory",
            ) from error
        yield
    finally:
        os.close(descriptor)


def listen(settings: Settings) -> socket.socket:
    """A socket at the server's address.

    Raises:
        UsageError: the address is not this machine's, or the port is taken.
    """
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(512)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise UsageError(
            f"{settings.host}:{settings.port} cannot be listened on: {error.strerror or error}",
            remedy="Give another address or --port",
        ) from error
    return listener
