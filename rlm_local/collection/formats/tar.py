"""The members of a tar archive, told by a walk over its headers.

The standard library's reader takes quadratic time for headers that are full of digits.
"""

from collections.abc import Iterator

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.source import Source

_BLOCK = 512
_MOST_HEADER = 1 << 20
_CHECKSUM = slice(148, 156)


def is_tar(head: bytes) -> bool:
    """Whether a file begins with a header."""
    return head[257:262] == b"ustar" and _is_header(head[:_BLOCK])


def members(source: Source) -> Iterator[tuple[str, int, int]]:
    """Name, place and size of each regular file.

    Raises:
        Unreadable: there is something else where a header should be.
    """
    at = 0
    name = ""
    while at + _BLOCK <= source.size:
        stream = source.open()
        stream.seek(at)
        header = stream.read(_BLOCK)
        if not header.strip(b"\0"):
            return
        if not _is_header(header):
            raise Unreadable("damaged: no archive" if at == 0 else "damaged or cut short")
        size = _number(header[124:136])
        kind = header[156:157]
        if kind in b"xL":
            name = _long_name(kind, stream.read(min(size, _MOST_HEADER))) or name
        elif kind != b"g":
            if kind in b"0\0 7":
                yield name or _name(header), at + _BLOCK, size
            name = ""
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK
    if at > source.size:
        raise Unreadable("damaged or cut short")


def _is_header(block: bytes) -> bool:
    said = block[_CHECKSUM].strip(b"\0 ")
    return all(digit in b"01234567" for digit in said) and int(said or b"0", 8) == (
        sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")
    )


def _number(field: bytes) -> int:
    """Octal, or, where its first bit says so, the bytes as they are."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    said = field.strip(b"\0 ")
    return int(said, 8) if said and all(digit in b"01234567" for digit in said) else 0


def _name(header: bytes) -> str:
    name, prefix = (header[part].split(b"\0")[0] for part in (slice(0, 100), slice(345, 500)))
    whole = prefix + b"/" + name if prefix and header[257:263] == b"ustar\0" else name
    return whole.decode("utf-8", "replace")


def _long_name(kind: bytes, data: bytes) -> str:
    """What the block before a header says that its file is called: GNU's, or a record "length path=name"."""
    if kind == b"L":
        return data.split(b"\0")[0].decode("utf-8", "replace")
    at = 0
    while at < len(data):
        length, blank, _ = data[at : at + 10].partition(b" ")
        if not blank or not length.isdigit() or int(length) <= len(length):
            return ""
        record = data[at + len(length) + 1 : at + int(length)]
        if record.startswith(b"path="):
            return record[5:].rstrip(b"\n").decode("utf-8", "replace")
        at += int(length)
    return ""
