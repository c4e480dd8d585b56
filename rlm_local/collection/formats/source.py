"""A file as a format reads it: its name, its bytes, its text. Where it came from is somebody else's business."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from rlm_local.collection.decode import Binary, decode
from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.prose.clean import clean

PIECE = 1 << 20
"""Bytes of a large file that are decoded at a time."""
LONGEST_LINE = 1 << 23
_LARGE = 16 * PIECE
_LOOK = 1 << 16
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


@dataclass
class Room:
    """What may still be taken out of one file of the disk, however its archives and messages nest."""

    size: int = 1 << 30  # bytes unpacked
    files: int = 20_000


class Source:
    """One file, or one thing inside a file.

    Args:
        name: its name, with its suffix; the path inside the folder for a file of one.
        data: its bytes, or a binary stream of them that can be sought.
        depth: how many archives and messages it is inside of.
        room: shared by everything inside of one file.
    """

    def __init__(self, name: str, data: bytes | BinaryIO, depth: int = 0, room: Room | None = None) -> None:
        self.name = name
        self.depth = depth
        self.room = room or Room()
        self._stream = io.BytesIO(data) if isinstance(data, bytes) else data

    @property
    def suffix(self) -> str:
        """The name's last suffix in lower case, without the dot."""
        return self.name.rpartition("/")[2].rpartition(".")[2].lower() if "." in self.name else ""

    @cached_property
    def size(self) -> int:
        """In bytes."""
        return self._stream.seek(0, io.SEEK_END)

    @property
    def is_large(self) -> bool:
        """Whether it is not to be held as a whole."""
        return self.size > _LARGE

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

    def pieces(self) -> Iterator[str]:
        """The text, cleaned, in pieces of about a million characters, so that a file of any size passes through.

        The encoding of a large file is told from its first bytes that are not UTF-8.

        Raises:
            Unreadable: this is no text, and why.
        """
        if not self.is_large:
            text = self._cleaned
            yield from (text[at : at + PIECE] for at in range(0, len(text), PIECE))
            return
        encoding = self._encoding_of_large()
        lines = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("replace"), translate=True)
        at = 0
        while self._stream.seek(at) == at and (block := self._stream.read(PIECE)):  # others may read in between
            at += len(block)
            yield clean(lines.decode(block))
        yield clean(lines.decode(b"", final=True))

    def segments(self) -> Iterator[str]:
        """The text, cleaned, in one; that of a large file in segments of some 16 million characters of whole lines.

        Raises:
            Unreadable: this is no text, and why.
        """
        waiting: list[str] = []
        size = 0
        for piece in self.pieces():
            waiting.append(piece)
            size += len(piece)
            if size >= _LARGE and self.is_large:
                text = "".join(waiting)
                end = text.rfind("\n") + 1 or size
                yield text[:end]
                waiting, size = [text[end:]], size - end
        if size:
            yield "".join(waiting)

    def lines(self) -> Iterator[tuple[str, int]]:
        """The lines of the text without their ends, and where in it each begins; one beyond 8 million is cut."""
        start, parts, size = 0, list[str](), 0
        for piece in self.pieces():
            *whole, rest = piece.split("\n")
            if whole:
                whole[0] = "".join((*parts, whole[0]))
                parts, size = [], 0
            for line in whole:
                yield line, start
                start += len(line) + 1
            parts.append(rest)
            size += len(rest)
            if size >= LONGEST_LINE:
                yield "".join(parts), start
                start, parts, size = start + size, [], 0
        if size:
            yield "".join(parts), start

    @cached_property
    def _cleaned(self) -> str:
        return clean(self.text)

    def _encoding_of_large(self) -> str:
        head = self.open().read(_LOOK)
        decoded = decode(head if b"\0" in head else head[: head.rfind(b"\n") + 1] or head)
        if isinstance(decoded, Binary):
            raise Unreadable(decoded.reason)
        if decoded.encoding != "utf-8":
            return decoded.encoding[:6] if head.startswith(_MARKS) else decoded.encoding  # "utf-16" reads the mark
        check = codecs.getincrementaldecoder("utf-8")()
        stream, before = self.open(), b""
        while block := stream.read(PIECE):
            try:
                check.decode(block)
            except UnicodeDecodeError as error:
                around = before[error.start :] + block[max(0, error.start - _LOOK) : error.start + _LOOK]
                lines = around[around.find(b"\n") + 1 : around.rfind(b"\n")]
                told = decode(lines or around)
                return "latin-1" if isinstance(told, Binary) else told.encoding
            before = block[-_LOOK:]
        return "utf-8-sig"
