"""Bytes to text: which encoding a file is in, or that it is no text at all.

Tried in this order, cheapest first: byte order marks; signatures of binary forms; UTF-16 and UTF-32 without a mark
(seen by where their constant high bytes stand); UTF-8; the Western single-byte sets; and, for what remains,
charset-normalizer on a sample.
"""

import re
from collections import Counter
from dataclasses import dataclass

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_SIGNATURES = (
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7-zip"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"GGUF", "model weights"),
)
_SAMPLE = 65_536
_PLAIN = frozenset((*b"\t\n\r", *range(0x20, 0x7F)))
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\f\x1b\0")
_FEW = 4  # bytes that no file is called binary for
_MOST_CONTROLS = 0.02
_MOST_NULLS = 0.01
_MOST_BROKEN = 0.1
_WESTERN = re.compile("[\xa0-\u017f\u2010-\u203a€™Œœ]")


@dataclass(frozen=True)
class Decoded:
    """A file's text with line ends as "\\n", the encoding it was in, and what had to be mended (empty: nothing)."""

    text: str
    encoding: str
    mended: str = ""


@dataclass(frozen=True)
class Binary:
    """Bytes that are no text, and what they seem to be."""

    reason: str


def decode(data: bytes) -> Decoded | Binary:
    """Read `data` as text. Never raises: what cannot be text is `Binary`.

    Null bytes in what is otherwise text, and bytes that a mostly valid UTF-8 file has wrong, become U+FFFD.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _with_replacements(data[len(mark) :], encoding)
    for signature, form in _SIGNATURES:
        if data.startswith(signature):
            return Binary(f"binary ({form})")
    wide = _wide_encoding(data)
    if wide:
        return _with_replacements(data, wide)
    if _is_binary(data):
        return Binary("binary")
    try:
        return normalised(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _not_utf8(data)


def _with_replacements(data: bytes, encoding: str) -> Decoded:
    try:
        return normalised(data.decode(encoding), encoding)
    except UnicodeDecodeError:
        return normalised(data.decode(encoding, "replace"), encoding, f"bytes that are not {encoding} became U+FFFD")


def normalised(text: str, encoding: str, mended: str = "") -> Decoded:
    """Text as every document has it: lines end in "\\n", and there are no null bytes."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        mended = mended or "null bytes became U+FFFD"
    return Decoded(text, encoding, mended)


def _is_binary(data: bytes) -> bool:
    samples = data[:_SAMPLE] + data[len(data) // 2 : len(data) // 2 + _SAMPLE]
    controls = len(samples) - len(samples.translate(None, _CONTROLS))
    return samples.count(0) > _FEW + _MOST_NULLS * len(samples) or controls > _FEW + _MOST_CONTROLS * len(samples)


def _wide_encoding(data: bytes) -> str:
    """UTF-16 or UTF-32 without a byte order mark: one byte of each unit takes few values, and all decodes to text."""
    sample = data[: _SAMPLE - _SAMPLE % 4]
    sample = sample[: len(sample) - len(sample) % 4] if len(sample) >= 4 else sample[: len(sample) - len(sample) % 2]
    if len(sample) < 2 or len(data) % 2 or 0 not in sample:  # every form told below has null bytes in it
        return ""
    if len(data) % 4 == 0 and sample.count(0) >= len(sample) // 2:
        for encoding, high in (("utf-32-le", 3), ("utf-32-be", 0)):
            if not any(sample[high::4]) and _reads_as_text(sample, encoding):
                return encoding
    ascii_only = sum(byte in _PLAIN for byte in sample) > 0.7 * len(sample)
    for encoding, high in (("utf-16-le", 1), ("utf-16-be", 0)):
        pages = Counter(sample[high::2])
        page, hits = pages.most_common(1)[0]
        units = len(sample) // 2
        few_pages = hits >= 0.5 * units and (page == 0 or (pages[0] > 0 and hits + pages[0] >= 0.9 * units))
        ascii_units = sum(a == 0 and b in _PLAIN for a, b in zip(sample[high::2], sample[1 - high :: 2], strict=True))
        spaced = not ascii_only and 0 < pages[0] == ascii_units
        if ((few_pages and not 0x20 <= page < 0x7F) or spaced) and _reads_as_text(sample, encoding):
            return encoding
    return ""


def _reads_as_text(sample: bytes, encoding: str) -> bool:
    text = sample.decode(encoding, "replace")[:-1] or sample.decode(encoding, "replace")
    good = sum(character.isprintable() or character in "\t\n\r\f" for character in text)
    return good >= 0.95 * len(text) and text.count("\N{REPLACEMENT CHARACTER}") <= 0.01 * len(text)


def _not_utf8(data: bytes) -> Decoded | Binary:
    mended = data.decode("utf-8", "replace")
    broken = mended.count("\N{REPLACEMENT CHARACTER}")
    foreign = len(mended) - len(mended.encode("ascii", "ignore"))
    if broken <= _MOST_BROKEN * foreign:
        return normalised(mended, "utf-8", "bytes that are not UTF-8 became U+FFFD")
    high = data.translate(None, bytes(range(128)))
    try:
        western = high.decode("cp1252")
        encoding = "cp1252"
    except UnicodeDecodeError:
        western = high.decode("latin-1")
        encoding = "latin-1"
    letters = sum(byte in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" for byte in data[:_SAMPLE])
    seen = sum(byte >= 128 for byte in data[:_SAMPLE])
    if seen <= 0.3 * letters and len(_WESTERN.findall(western)) >= 0.95 * len(western):
        return normalised(data.decode(encoding), encoding)
    first = next(place for place, byte in enumerate(data) if byte >= 128)
    from charset_normalizer import from_bytes  # takes its time, and most text is UTF-8

    guess = from_bytes(data[max(0, first - 256) : first + 4096]).best()
    if guess is not None:
        try:
            return normalised(data.decode(guess.encoding), guess.encoding)
        except UnicodeDecodeError:
            pass
    if seen > letters:
        return Binary("binary")
    return normalised(data.decode("latin-1"), "latin-1")
