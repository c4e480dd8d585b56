"""Frames between a session and its worker, over a socket of their own: the guest's output is only ever inside one.

A frame is a kind (u8), a length (u32) and that many bytes. Who reads a frame says how long it may be: neither side
believes the other's lengths.

    session -> worker   OPEN (JSON) | TEXT (JSON, with a file descriptor) | CODE (UTF-8) | REPLY (JSON)
    worker -> session   READY (JSON) | PLACED (JSON) | CALL (JSON) | RESULT (JSON) | BROKEN (a traceback)
"""

import json
import socket
import struct
import time
from enum import IntEnum
from typing import NamedTuple

_HEADER = struct.Struct("<BI")
_PIECE = 1 << 20
_SEND_TIMEOUT = 30.0  # seconds: the other side always reads, unless it is lost


class Kind(IntEnum):
    OPEN = 1
    TEXT = 2
    CODE = 3
    REPLY = 4
    READY = 5
    PLACED = 6
    CALL = 7
    RESULT = 8
    BROKEN = 9


class Frame(NamedTuple):
    kind: int
    payload: bytes
    descriptor: int | None = None


class Gone(Exception):  # noqa: N818
    """The other side has closed, died, or said what it may not."""


class Late(Exception):  # noqa: N818
    """The other side has not answered in time."""


class Channel:
    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def send(self, kind: Kind, payload: bytes = b"", descriptor: int | None = None) -> None:
        """Raises Gone."""
        header = _HEADER.pack(kind, len(payload))
        self._socket.settimeout(_SEND_TIMEOUT)
        try:
            if descriptor is None:
                self._socket.sendall(header)
            else:
                socket.send_fds(self._socket, [header], [descriptor])
            self._socket.sendall(payload)
        except OSError as error:
            raise Gone from error

    def receive(self, limit: int, timeout: float | None = None) -> Frame:
        """The next frame, of at most `limit` bytes. Raises Gone, and Late after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        kind, size = _HEADER.unpack(self._read(_HEADER.size, end))
        if size > limit:
            raise Gone(f"a frame of {size:,} bytes")
        return Frame(kind, self._read(size, end))

    def receive_with_descriptor(self) -> Frame:
        """The worker's side of `receive`: no limit, no timeout, and a file descriptor where one was sent."""
        self._socket.settimeout(None)
        try:
            start, descriptors, _, _ = socket.recv_fds(self._socket, _HEADER.size, 1)
        except OSError as error:
            raise Gone from error
        if not start:
            raise Gone
        kind, size = _HEADER.unpack(start + self._read(_HEADER.size - len(start), None))
        return Frame(kind, self._read(size, None), descriptors[0] if descriptors else None)

    def _read(self, size: int, end: float | None) -> bytes:
        data = bytearray()
        while len(data) < size:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise Late
            try:
                self._socket.settimeout(left)
                piece = self._socket.recv(min(size - len(data), _PIECE))
            except TimeoutError:
                raise Late from None
            except OSError as error:
                raise Gone from error
            if not piece:
                raise Gone
            data += piece
        return bytes(data)

    def close(self) -> None:
        self._socket.close()


def refusal(kind: str, message: str) -> bytes:
    """The reply to a host call that does not happen; `kind` is a key of the guest's `rlm_host`."""
    return json.dumps({"error": kind, "message": message}).encode()
