"""The process: how it answers requests, and how it goes down."""

import socket
import tempfile

import uvicorn

from rlm_local.serve.app import create_app
from rlm_local.serve.service import Service

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
