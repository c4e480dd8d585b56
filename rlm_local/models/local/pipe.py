"""Pipe: messages between two processes."""

import pickle
import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

_PATIENCE = 5.0
"""Seconds that what is waiting has to get out when a pipe is closed."""


class Pipe:
    """One end of a connection.

    A thread writes, so that nobody who sends waits or is interrupted in the middle of a message; what was sent while it
    wrote goes out together.
    """

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source = source
        self._target = target
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="rlm-local-pipe", daemon=True)
        self._writer.start()

    def send(self, message: Any) -> None:
        """Send a message; that the other side is gone is told by `receive`.

        Raises:
            Exception: the message cannot be pickled.
        """
        self._outbox.put(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def receive(self) -> Iterator[Any]:
        """The messages of the other side until it is gone, even in the middle of one."""
        with suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                yield pickle.load(self._source)  # noqa: S301 - of our own other half, see `messages`

    def close(self) -> None:
        """Send what is waiting, and let the other side see the end."""
        self._outbox.put(None)
        self._writer.join(_PATIENCE)

    def _write(self) -> None:
        going = True
        with suppress(OSError), self._target:
            while going:
                parts = [self._outbox.get()]
                while not self._outbox.empty():
                    parts.append(self._outbox.get())
                going = None not in parts
                self._target.write(b"".join(part for part in parts if part is not None))
                self._target.flush()
