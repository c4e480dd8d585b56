"""What a server holds before it loads anything: its state directory, and its address.

It says where it is as soon as it has both, so nothing is imported here that takes its time.
"""

import fcntl
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager

from rlm_local.errors import UsageError
from rlm_local.home import Home
from rlm_local.serve.settings import Settings


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
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)  # asyncio sends without delay only where TCP is named
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
