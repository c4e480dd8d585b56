"""Archives (zip, tar) and compressed files (gz, bz2, xz): what is in them is read, within bounds.

An archive is a document whose text lists its files; each of them is a document inside it. A compressed file is what it
is without the compression.
"""

import bz2
import gzip
import io
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, BinaryIO, cast

from rlm_local.collection import formats
from rlm_local.collection.decode import Binary, decode
from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.format import LOOK, Format
from rlm_local.collection.formats.inside import DEEPEST, named, read_inside, unread
from rlm_local.collection.formats.part import Document, Note, Part, Text
from rlm_local.collection.formats.source import Source
from rlm_local.collection.formats.tar import is_tar, members

RATIO = 200
"""To how many times its size an archive may unpack; beyond, and beyond FREE, it is a bomb."""

FREE = 1 << 26
"""Bytes that may be unpacked of any archive."""

_IN_MEMORY = 1 << 24
_PIECE = 1 << 20
_MOST_LISTED = 2_000
_IGNORED = ("__MACOSX/", ".DS_Store", "Thumbs.db")
_Stream = IO[bytes] | io.BufferedIOBase
_File = tuple[str, Callable[[], _Stream]]
_BROKEN = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, OSError, NotImplementedError, ValueError)


class _Bounded:
    """What is unpacked of one archive, as long as it is no bomb."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._most = max(FREE, RATIO * source.size)
        self._taken = 0

    def unpacked(self, stream: _Stream) -> BinaryIO:
        """A copy of `stream` that can be sought; a large one lies on the disk."""
        copy = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115  the caller closes it
        room = self._source.room.size
        try:
            while piece := stream.read(_PIECE):
                self._taken += len(piece)
                room -= len(piece)
                if self._taken > self._most:
                    raise Unreadable(f"a bomb: it unpacks to more than {self._most >> 20} MB")
                if room < 0:
                    raise Unreadable("it unpacks to more than is read of one file")
                copy.write(piece)
        except BaseException:
            copy.close()
            raise
        return copy


def read_zip(source: Source) -> Iterator[Part]:
    """The parts of a zip archive.

    Raises:
        Unreadable: it is none, or cut short.
    """
    try:
        archive = zipfile.ZipFile(source.open())
        infos = archive.infolist()
    except _BROKEN:
        raise Unreadable("damaged: cut short" if source.open().read(2) == b"PK" else "damaged: no archive") from None
    yield from _read(source, [(_name_of(info), partial(_open, archive, info)) for info in infos if not info.is_dir()])


def read_tar(source: Source) -> Iterator[Part]:
    """The parts of a tar archive.

    Raises:
        Unreadable: it is none.
    """
    files: list[_File] = []
    problem = ""
    try:
        for name, at, size in members(source):
            files.append((name, partial(_Slice, source, at, size)))
            if len(files) > source.room.files:
                problem = "it holds more files than are read of one file"
                break
    except Unreadable as error:
        if not files:
            raise
        problem = str(error)
    yield from _read(source, files, problem)


def _read(source: Source, files: list[_File], problem: str = "") -> Iterator[Part]:
    files = [file for file in files if not any(part in file[0] for part in _IGNORED)]
    yield Document(kind="archive")
    names = [named(name, "") for name, _ in files[:_MOST_LISTED]]
    yield Text("\n".join(names) + "\n")
    if len(files) > _MOST_LISTED:
        yield Note(f"{len(files)} files, of which {_MOST_LISTED} are listed")
    if problem:
        yield Note(problem)
    given = 1
    bounded = _Bounded(source)
    for file in files:
        if source.room.files <= 0:
            yield Note("it holds more files than are read of one file", file[0])
            return
        for part in _member(source, file, bounded, given):
            given += isinstance(part, Document)
            yield part


def _member(source: Source, file: _File, bounded: _Bounded, given: int) -> Iterator[Part]:
    name, opened = file
    try:
        with opened() as stream:
            data = bounded.unpacked(stream)
    except RuntimeError:  # what zipfile raises where a password is needed
        yield from unread(name, "encrypted: a password is needed", 0)
    except (Unreadable, *_BROKEN) as error:
        yield from unread(name, str(error) if isinstance(error, Unreadable) else "damaged or cut short", 0)
    else:
        with data:
            yield from read_inside(source, name, data, parent=0, given=given)


def _open(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    return archive.open(info)


def _name_of(info: zipfile.ZipInfo) -> str:
    """A member's name; one that is in no charset by what it looks like."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        found = decode(info.filename.encode("cp437"))
    except UnicodeEncodeError:
        return info.filename
    return info.filename if isinstance(found, Binary) or found.encoding != "utf-8" else found.text


class _Slice(io.BufferedIOBase):
    """A stretch of a file as a stream."""

    def __init__(self, source: Source, start: int, size: int) -> None:
        self._source, self._at, self._end = source, start, start + size

    def read(self, size: int | None = -1, /) -> bytes:
        stream = self._source.open()
        stream.seek(self._at)
        left = max(0, self._end - self._at)
        data = stream.read(left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data


def read_compressed(source: Source) -> Iterator[Part]:
    """The parts of what a compressed file holds.

    Raises:
        Unreadable: it is damaged, or a bomb, or of a form that is not known.
    """
    stem, _, suffix = source.name.rpartition(".")
    inner_name = f"{stem}.tar" if suffix.lower() in ("tgz", "tbz2", "txz", "tbz") else stem or source.name
    if source.depth >= DEEPEST:
        raise Unreadable(f"it is inside of more than {DEEPEST} others")
    bounded = _Bounded(source)
    try:
        with _decompressed(source) as stream:
            data = bounded.unpacked(stream)
    except _BROKEN:
        raise Unreadable("damaged or cut short") from None
    with data:
        inner = Source(inner_name, data, source.depth + 1, source.room)
        source.room.size -= inner.size
        form = formats.format_of(inner_name, inner.open().read(LOOK))
        if form is None or not inner.size:
            raise Unreadable("of a form that is not known" if inner.size else "empty")
        yield from form.read(inner)


def _decompressed(source: Source) -> _Stream:
    stream = source.open()
    head = stream.read(4)
    stream.seek(0)
    if head.startswith(b"BZh"):
        return bz2.BZ2File(stream)
    return lzma.LZMAFile(stream) if head.startswith(b"\xfd7zX") else gzip.GzipFile(fileobj=stream)


ZIP = Format("zip", frozenset(("zip",)), read_zip, lambda head: head.startswith(b"PK\x03\x04"))
TAR = Format("tar", frozenset(("tar",)), read_tar, is_tar)
COMPRESSED = Format(
    "compressed",
    frozenset(("gz", "tgz", "bz2", "tbz2", "tbz", "xz", "txz")),
    read_compressed,
    lambda head: head.startswith((b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00")),
)
