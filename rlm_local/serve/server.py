"""The process: how it answers requests, and how it goes down."""

import gc
import socket
import sys
import tempfile
from functools import partial
from typing import Any, cast

import uvicorn

from rlm_local.home import Home
from rlm_local.serve.app import create_app
from rlm_local.serve.connections import Connection, sweep
from rlm_local.serve.service import Service
from rlm_local.serve.watchdog import Watchdog

_PARTING_SECONDS = 5
"""For the last answers to be sent, after the last run has ended."""

_TURN = 0.001
"""Seconds that a thread may have the interpreter, while others wait for it."""


class Server(uvicorn.Server):
    """uvicorn, which lets runs end before it closes connections; a second Ctrl-C cancels them."""

    def __init__(self, service: Service) -> None:
        settings = service.settings
        super().__init__(
            uvicorn.Config(
                create_app(service),
                http=cast("Any", partial(Connection, settings)),
                ws="none",
                ssl_certfile=settings.tls_certificate,
                ssl_keyfile=settings.tls_key,
                access_log=False,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_PARTING_SECONDS,
                timeout_keep_alive=30,
            )
        )
        self._service = service
        self._watchdog = Watchdog()

    async def on_tick(self, counter: int) -> bool:
        sweep(self.server_state.connections)
        self._watchdog.tick(counter)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        await self._service.desk.close(self._service.settings.grace_seconds, hurry=lambda: self.force_exit)
        await super().shutdown(sockets)


def serve(service: Service, listener: socket.socket) -> None:
    """Answers requests until a signal ends it."""
    spool_in(service.home)
    server = Server(service)
    answer_soon()
    server.run(sockets=[listener])


def answer_soon() -> None:
    """Keeps other threads from having the interpreter for long, while the event loop waits for it.

    A collection of garbage holds it, and looks at all that there is: what is loaded when the server starts is two
    thirds of that, stays, and need not be looked at every few seconds.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_TURN)


def spool_in(home: Home) -> None:
    """Lets uploads on their way lie beside the others: they are documents, too. Where these are sealed, they lie in
    memory, as all temporary files of a process that knows the key."""
    if home.key is None:
        tempfile.tempdir = str(home.serve)
