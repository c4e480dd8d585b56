"""Messages as the internet sends them (RFC 5322, 2045 to 2047, 2231): headers, and parts in parts.

The standard library's parser takes time by lines times depth and ends in a RecursionError for parts in parts in parts,
and its header classes raise for what real mail holds. This one is a few scans over the bytes, whatever they are; what
is no message is a message without headers.
"""

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote_to_bytes

from rlm_local.collection.decode import Binary, decode
from rlm_local.collection.formats.prose.clean import clean

DEEPEST = 20
"""Parts in parts; what is deeper is left as it is written."""

_MOST_PARTS = 10_000
_MOST_HEADERS = 1_000
_LONGEST_HEADERS = 1 << 20
_LONGEST_VALUE = 1 << 15
_HEADER = re.compile(rb"([!-9;-~]{1,200})[ \t]{0,9}:")
_PARAMETER = re.compile(r""";\s*([^=;\s]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)""")  # tried at each ";" only
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")  # ends at the third "?"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_LINE_OF_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_NO_CHARSETS = frozenset(("punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"))
_WIDER = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}


@dataclass(frozen=True)
class Entity:
    """A message, or a part of one.

    Attributes:
        headers: names in lower case, values as they are written, in order.
        body: the bytes after them, as they were sent.
    """

    headers: tuple[tuple[str, bytes], ...]
    body: bytes
    default: str = "text/plain"

    def header(self, name: str) -> str:
        """The first header of that name as text on one line; empty where there is none."""
        value = next((value for key, value in self.headers if key == name), b"")
        return " ".join(clean(unfolded(value, self._charset)).split()) if value else ""

    @cached_property
    def _type(self) -> tuple[str, dict[str, str]]:
        return _parameters(next((value for key, value in self.headers if key == "content-type"), b""))

    @cached_property
    def _disposition(self) -> tuple[str, dict[str, str]]:
        return _parameters(next((value for key, value in self.headers if key == "content-disposition"), b""))

    @property
    def kind(self) -> str:
        """The type in lower case: "text/html"."""
        kind = self._type[0]
        return kind if kind.count("/") == 1 else self.default

    @property
    def attached(self) -> bool:
        """Whether it says that it is a file, not to be shown with the message."""
        return self._disposition[0] == "attachment"

    @property
    def filename(self) -> str:
        """The name it gives itself, without a folder; may be empty."""
        name = self._disposition[1].get("filename") or self._type[1].get("name") or ""
        return " ".join(clean(words(name)).replace("\\", "/").rpartition("/")[2].split())

    @property
    def _charset(self) -> str:
        return self._type[1].get("charset", "")

    @cached_property
    def content(self) -> bytes:
        """The body's bytes, decoded from how they were sent; a body that claims base64 and is not stays as it is."""
        encoding = self.header("content-transfer-encoding").lower()
        if encoding == "base64":
            return _from_base64(self.body)
        return binascii.a2b_qp(self.body) if encoding == "quoted-printable" else self.body

    @property
    def text(self) -> str:
        """The content as text. What says that it is base64 and gives no text is taken as it is written."""
        text = in_charset(self.content, self._charset)
        if text is None and self.content is not self.body:
            text = in_charset(self.body, self._charset)
        return text if text is not None else self.content.decode("latin-1")

    def parts(self) -> Iterator["Entity"]:
        """The parts of a multipart body; none where its boundary never stands in it."""
        mark = b"--" + self._type[1].get("boundary", "").encode("utf-8", "surrogateescape")
        if len(mark) == 2 or not self.kind.startswith("multipart/"):
            return
        default = "message/rfc822" if self.kind == "multipart/digest" else "text/plain"
        body, start = self.body, -1
        for _ in range(_MOST_PARTS):
            at, end, last = _next_mark(body, mark, max(0, start - 1))
            if start >= 0:
                yield entity(body[start : max(start, at - 1)], default)
            if last:
                return
            start = end


def entity(data: bytes, default: str = "text/plain") -> Entity:
    """The message or part that `data` is; line breaks are "\\n"."""
    headers: list[tuple[str, list[bytes]]] = []
    at = 0
    while at < len(data) and len(headers) < _MOST_HEADERS and at < _LONGEST_HEADERS:
        end = data.find(b"\n", at)
        line = data[at : end if end >= 0 else len(data)]
        found = _HEADER.match(line)
        if not line.strip():
            at = end + 1 if end >= 0 else len(data)
            break
        if line[:1] in b" \t" and headers:
            headers[-1][1].append(line)
        elif found:
            headers.append((found[1].decode("ascii").lower(), [line[found.end() :]]))
        elif not line.startswith((b"From ", b">From ")):
            break
        at = end + 1 if end >= 0 else len(data)
    joined = tuple((name, b" ".join(lines)[:_LONGEST_VALUE].strip()) for name, lines in headers)
    return Entity(joined, data[at:], default)


def unfolded(value: bytes, charset: str = "") -> str:
    """A header's value as text: encoded words are decoded; raw bytes are UTF-8, else of the charset of the body."""
    if value.isascii():
        return words(value.decode("ascii"))
    try:
        return words(value.decode("utf-8"))
    except UnicodeDecodeError:
        return words(_strict(value, charset) or value.decode("cp1252", "replace"))


def words(value: str) -> str:
    """`value` with its encoded words (=?charset?q?...?=) decoded; blanks between two of them go."""
    if "=?" not in value:
        return value
    out: list[str] = []
    bytes_of: list[bytes] = []  # of words in a row in one charset: a character may be cut between two of them
    charset, last = "", 0

    def said() -> str:
        data = b"".join(bytes_of)
        bytes_of.clear()
        text = in_charset(data, charset)
        return text if text is not None else data.decode("latin-1")

    for found in _WORD.finditer(value):
        between = value[last : found.start()]
        if bytes_of and (between.strip() or found[1].lower() != charset):
            out.append(said())
        if between.strip() or not last:
            out.append(between)
        charset, last = found[1].lower(), found.end()
        sent = found[3].encode("utf-8", "replace")
        bytes_of.append(_from_base64(sent) if found[2] in "bB" else binascii.a2b_qp(sent, header=True))
    if bytes_of:
        out.append(said())
    return "".join(out) + value[last:]


def _parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """What a header like Content-Type says, in lower case, and its parameters (RFC 2231 ones put together)."""
    text = value.decode("utf-8", "surrogateescape")
    said: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for found in _PARAMETER.finditer(text):
        name, star, number = found[1].lower().partition("*")
        given = found[2].strip()
        given = re.sub(r"\\(.)", r"\1", given.strip('"')) if given.startswith('"') else given
        if star:
            order, coded = number.removesuffix("*"), not number or number.endswith("*")
            pieces.setdefault(name, []).append(
                (int(order) if order.isdecimal() and len(order) < 5 else 0, coded, given)
            )
        else:
            said.setdefault(name, given)
    for name, several in pieces.items():
        several.sort(key=lambda piece: piece[0])
        first = several[0][2].split("'", 2) if several[0][1] else []
        charset, start = (first[0], len(first[0]) + len(first[1]) + 2) if len(first) == 3 else ("", 0)
        whole = "".join(piece for _, _, piece in several)[start:]
        sent = b"".join(
            unquote_to_bytes(piece) if coded else piece.encode("utf-8", "surrogateescape")
            for _, coded, piece in several
        )[start:]
        said.setdefault(name, in_charset(sent, charset) or whole)
    return text.partition(";")[0].strip().lower(), said


def _next_mark(body: bytes, mark: bytes, at: int) -> tuple[int, int, bool]:
    """Where the next line with a boundary begins, where the line after it begins, and whether no part follows."""
    while True:
        at = body.find(mark, at)
        if at < 0:
            return len(body) + 1, len(body), True
        if at == 0 or body[at - 1 : at] == b"\n":
            end = body.find(b"\n", at)
            end = end if end >= 0 else len(body)
            rest = body[at + len(mark) : min(end, at + len(mark) + 100)].strip()
            if rest in (b"", b"--"):
                return at, end + 1, rest == b"--"
        at += len(mark)


def _from_base64(body: bytes) -> bytes:
    """Decoded; what follows it without being base64, as the footers that lists add, is kept as it is written."""
    if not body.translate(None, _BASE64 + b" \t\r\n"):
        return _decoded_base64(body, body)
    at = 0
    for line in body.splitlines(keepends=True):
        sent = line.strip()
        if sent and (len(sent) % 4 or not _LINE_OF_BASE64.fullmatch(sent)):
            break
        at += len(line)
    return _decoded_base64(body[:at], b"") + b"\n" + body[at:] if body[:at].strip() else body


def _decoded_base64(sent: bytes, otherwise: bytes) -> bytes:
    letters = sent.translate(None, b" \t\r\n").rstrip(b"=")
    if len(letters) % 4 == 1:  # no base64 has this length: cut short, or a word
        letters = letters[:-1] if len(letters) > 100 else b""
    try:
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4)) or otherwise
    except binascii.Error:
        return otherwise


def in_charset(data: bytes, charset: str) -> str | None:
    """Bytes as text with line breaks of one character: in `charset` if they are; None where they are no text."""
    text = _strict(data, charset)
    if text is None:
        found = decode(data)
        return None if isinstance(found, Binary) else found.text
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _strict(data: bytes, charset: str) -> str | None:
    """Bytes in the charset that they say they are in; None where they are not, or nobody knows it."""
    if not charset.isascii() or not charset.isprintable() or len(charset) > 60:
        return None
    try:
        name = codecs.lookup(charset.strip("'\" ")).name
        return None if name in _NO_CHARSETS else data.decode(_WIDER.get(name, name))
    except (LookupError, ValueError, OverflowError):
        return None
