"""Frames between this process and its sandbox processes, over sockets of their own: the guest's output is only ever
inside one.

A frame is one packet or more, of a socket that keeps packets whole: the first is a kind (u8), a length (u32) and the
beginning of that many bytes, the others a zero and what follows. So a frame that was broken off, because the process
that wrote or read it died, is told from the next, and a fork can go on with the socket. Who reads a frame says how long
it may be: neither side believes the other's lengths.

    pool -> zygote      IMAGE (JSON) | SESSION (with the session's socket and log)
    zygote -> pool      READY | BROKEN (a traceback)
    pool -> worker      LIMITS (JSON)
    session -> worker   TEXT (JSON, with a descriptor of memory) | MOUNT (JSON, with a descriptor of a file)
                        | CODE (UTF-8) | REPLY (JSON)
    worker -> session   READY | PLACED (JSON) | CALL (JSON) | RESULT (JSON) | BROKEN (a traceback)
"""

import contextlib
import json
import select
import socket
import struct
import time
from enum import IntEnum
from typing import NamedTuple

_HEADER = struct.Struct("<BI")
_CONTINUES = b"\0"
_PIECE = 1 << 15  # bytes of a frame in a packet: a socket's buffer holds several
_SEND_TIMEOUT = 30.0  # seconds: the other side always reads, unless it is lost
_MOST_DESCRIPTORS = 2


class Kind(IntEnum):
    IMAGE = 1
    SESSION = 2
    TEXT = 3
    CODE = 4
    REPLY = 5
    READY = 6
    PLACED = 7
    CALL = 8
    RESULT = 9
    BROKEN = 10
    LIMITS = 11
    MOUNT = 12


class Frame(NamedTuple):
    kind: int
    payload: bytes
    descriptors: tuple[int, ...] = ()


class Gone(Exception):  # noqa: N818
    """The other side has closed, died, or said what it may not."""


class Late(Exception):  # noqa: N818
    """The other side has not answered in time."""


class Channel:
    """One end of a connection made by `connection()`."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, kind: Kind, payload: bytes = b"", *descriptors: int) -> None:
        """Raises Gone."""
        view = memoryview(payload)
        self._socket.settimeout(_SEND_TIMEOUT)
        try:
            first = [_HEADER.pack(kind, len(payload)), view[:_PIECE]]
            socket.send_fds(self._socket, first, descriptors)
            for start in range(_PIECE, len(payload), _PIECE):
                self._socket.sendmsg([_CONTINUES, view[start : start + _PIECE]])
        except OSError as error:
            raise Gone from error

    def receive(self, limit: int, timeout: float | None = None) -> Frame:
        """The next frame, of at most `limit` bytes. Raises Gone, and Late after `timeout` seconds."""
        frame = self._receive(limit, timeout, most_descriptors=0)
        if frame.kind == Kind.BROKEN:
            raise Gone(frame.payload.decode("utf-8", "replace"))
        return frame

    def receive_with_descriptors(self) -> Frame:
        """A sandbox process's side of `receive`: no limit, no timeout, and the descriptors that were sent."""
        return self._receive(1 << 32, None, most_descriptors=_MOST_DESCRIPTORS)

    def wait(self, lifeline: int) -> None:
        """Until a frame comes. Raises Gone when the descriptor `lifeline` hangs up."""
        if lifeline in select.select([self._socket, lifeline], [], [])[0]:
            raise Gone

    def expect(self, kind: Kind, limit: int, timeout: float | None = None) -> bytes:
        """The payload of the next frame, which is of this kind; any other is Gone."""
        frame = self.receive(limit, timeout)
        if frame.kind != kind:
            raise Gone(f"an answer of kind {frame.kind} instead of {kind}")
        return frame.payload

    def has_more(self) -> bool:
        """Whether there is something to read, or the end."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def _receive(self, limit: int, timeout: float | None, *, most_descriptors: int) -> Frame:
        end = None if timeout is None else time.monotonic() + timeout
        kind, size, data, descriptors = 0, 0, bytearray(), ()
        while not kind or len(data) < size:
            packet, received = self._packet(end, most_descriptors)
            if packet[:1] != _CONTINUES:
                if len(packet) < _HEADER.size:
                    raise Gone("a packet that is no frame")
                kind, size = _HEADER.unpack_from(packet)
                if size > limit:
                    raise Gone(f"a frame of {size:,} bytes")
                data, descriptors = bytearray(packet[_HEADER.size :]), tuple(received)
            elif kind:  # else it belongs to a frame that another process began to read
                data += packet[1:]
        return Frame(kind, bytes(data), descriptors)

    def _packet(self, end: float | None, most_descriptors: int) -> tuple[bytes, list[int]]:
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            raise Late
        try:
            self._socket.settimeout(left)
            packet, received, _, _ = socket.recv_fds(self._socket, _HEADER.size + _PIECE, most_descriptors)
        except TimeoutError:
            raise Late from None
        except OSError as error:
            raise Gone from error
        if not packet:
            raise Gone
        return packet, received

    def hang_up(self) -> None:
        """Close the connection for all who hold this end, from any thread."""
        with contextlib.suppress(OSError):  # it is closed already, at one end or the other
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.hang_up()
        self._socket.close()


def connection() -> tuple[Channel, socket.socket]:
    """Both ends, one to be given to another process."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    return Channel(ours), theirs


def refusal(kind: str, message: str) -> bytes:
    """The reply to a host call that does not happen; `kind` is a key of the guest's `rlm_host`."""
    return json.dumps({"error": kind, "message": message}).encode()
