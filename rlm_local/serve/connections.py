"""Connections of clients: how long one may take to send a request or to read an answer, and how many there may be.

uvicorn waits for ever for the rest of a request, and for a client to read. Who does so on purpose, three hundred times,
keeps everybody else out. Here a request has to come at some speed, an answer has to be taken, and where there are too
many connections, the one goes that has owed the rest of its request for longest.
"""

import socket
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rlm_local.serve.settings import Settings

_SLOWEST = 20_000
"""Bytes of a body that have to come in each second beyond the patience that every request has."""

_READING = 2
"""Times the patience that a client has to read some of what waits for it."""

_AT_ONCE = struct.pack("ii", 1, 0)
"""Linger, for no time."""


class Connection(H11Protocol):
    """One connection, as uvicorn makes it.

    Args:
        settings: `patience_seconds` and `connections` of it.
        parts: what uvicorn gives each connection.
    """

    def __init__(self, settings: Settings, **parts: Any) -> None:
        super().__init__(**parts)
        self._settings = settings
        self._waiting_since = time.monotonic()
        self._received = 0
        self._unread_since: float | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        everyone = _ours(self.connections)
        if len(everyone) > self._settings.connections:
            owing = [each for each in everyone if each.owes_a_request and each is not self]
            min(owing, key=lambda each: each._waiting_since, default=self).drop()

    def data_received(self, data: bytes) -> None:
        before = self.conn.their_state
        self._received += len(data)
        super().data_received(data)
        if before is h11.IDLE and self.conn.their_state is not before:  # its head is there
            self._waiting_since = time.monotonic()

    def on_response_complete(self) -> None:
        self._waiting_since, self._received = time.monotonic(), 0
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._unread_since = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread_since = None
        super().resume_writing()

    @property
    def owes_a_request(self) -> bool:
        """Whether the server waits for the rest of a request, or for its beginning."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.flow.read_paused

    def late(self, now: float) -> bool:
        """Whether the client has used up all patience; `now` is on the monotonic clock."""
        patience = self._settings.patience_seconds
        if self._unread_since is not None:
            return now - self._unread_since > _READING * patience
        return self.owes_a_request and now - self._waiting_since > patience + self._received / _SLOWEST

    def drop(self) -> None:
        """Close it at once; what waits to be sent is thrown away, by the kernel too."""
        with suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()


def sweep(connections: Iterable[object]) -> None:
    """Drops those that are late."""
    now = time.monotonic()
    for connection in _ours(connections):
        if connection.late(now):
            connection.drop()


def _ours(connections: Iterable[object]) -> list[Connection]:
    return [each for each in connections if isinstance(each, Connection)]
