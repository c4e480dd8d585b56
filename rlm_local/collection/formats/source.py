"""A file as a format reads it: its name, its bytes, its text. Where it came from is somebody else's business."""

import io
from functools import cached_property
from typing import BinaryIO

from rlm_local.collection.errors import Unreadable
from rlm_local.corpus.decode import Binary, decode


class Source:
    """One file, or one thing inside a file.

    Args:
        name: its name, with its suffix; the path inside the folder for a file of one.
        data: its bytes, or a binary stream of them that can be sought.
    """

    def __init__(self, name: str, data: bytes | BinaryIO) -> None:
        self.name = name
        self._stream = io.BytesIO(data) if isinstance(data, bytes) else data

    @property
    def suffix(self) -> str:
        """The name's last suffix in lower case, without the dot."""
        return self.name.rpartition("/")[2].rpartition(".")[2].lower() if "." in self.name else ""

    @cached_property
    def size(self) -> int:
        """In bytes."""
        return self._stream.seek(0, io.SEEK_END)

    def open(self) -> BinaryIO:
        """The bytes from the beginning; the caller does not close it."""
        self._stream.seek(0)
        return self._stream

    @cached_property
    def data(self) -> bytes:
        return self.open().read()

    @cached_property
    def text(self) -> str:
        """The bytes as text with line breaks of one character.

        Raises:
            Unreadable: this is no text, and why.
        """
        decoded = decode(self.data)
        if isinstance(decoded, Binary):
            raise Unreadable(decoded.reason)
        return decoded.text
