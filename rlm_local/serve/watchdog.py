"""Tells systemd that the event loop still turns, where a unit asks for that: one that does not is started again."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

_EVERY = 10  # ticks of the server, of which there are ten a second


class Watchdog:
    """Whom to tell is in the environment, as `sd_notify(3)` has it; nobody, where it names no socket."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "") if environment.get("WATCHDOG_USEC") else ""
        self._address = f"\0{name[1:]}" if name.startswith("@") else name

    def tick(self, count: int) -> None:
        """Once in each turn of the server."""
        if self._address and count % _EVERY == 0:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notify:
                notify.sendto(b"WATCHDOG=1", self._address)
