"""Outlook messages (.msg): like any other mail, with their attachments and the messages in them."""

from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from typing import Any, cast

from rlm_local.collection.errors import Needs, Unreadable
from rlm_local.collection.formats import rtf
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.html import decoded, readable
from rlm_local.collection.formats.mail import Message, parts_of
from rlm_local.collection.formats.mime import Entity, entity
from rlm_local.collection.formats.part import Part, Text
from rlm_local.collection.formats.source import Source

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DEEPEST = 20
_INNER = "__substg1.0_3701000D"
_HEADER, _INNER_HEADER, _RECIPIENT_HEADER, _FILE_HEADER = 32, 24, 8, 8  # bytes before the properties
_SUBJECT, _BODY, _HTML, _RTF, _HEADERS, _SUBMITTED, _DELIVERED = 0x37, 0x1000, 0x1013, 0x1009, 0x7D, 0x39, 0x0E06
_SENDER, _SENDER_ADDRESS, _SENDER_SMTP, _TO, _CC, _ID, _REPLY_TO = 0xC1A, 0xC1F, 0x5D01, 0xE04, 0xE03, 0x1035, 0x1042
_DATA, _LONG_NAME, _SHORT_NAME, _NAME, _ADDRESS, _SMTP, _KIND = 0x3701, 0x3707, 0x3704, 0x3001, 0x3003, 0x39FE, 0xC15
_KINDS = {1: "To", 2: "Cc"}
_RAISED = (KeyError, ValueError, IndexError, TypeError, LookupError, AssertionError, OverflowError, AttributeError)
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20"
    b"\\b\\i\\u\\tab\\tx"
)  # [MS-OXRTFCP] 2.1.2.1
_RING = 4096


def read(source: Source) -> Iterator[Part]:
    """The parts of a message.

    Raises:
        Unreadable: it is none, or damaged.
        Needs: python-oxmsg is not installed.
    """
    try:
        storage: Any = import_module("oxmsg.storage").Storage
        ole: Any = import_module("olefile")
    except ImportError:
        raise Needs("pip install 'rlm-local[documents]'") from None
    if source.open().read(8) != _OLE:
        raise Unreadable("damaged: no Outlook message")
    try:
        with ole.OleFileIO(source.open()) as file:
            root = storage.from_ole(file)
        message = _message(root, _HEADER, 0)
    except (OSError, RecursionError, *_RAISED) as error:  # what the libraries are seen to raise
        raise Unreadable(f"damaged: {type(error).__name__}: {error}") from None
    yield from parts_of(source, message, "", 0)


class _Properties:
    """What stands in a storage; nothing where it is damaged."""

    def __init__(self, storage: Any, header: int) -> None:
        made: Any = import_module("oxmsg.properties").Properties
        self._said = made(storage, properties_header_offset=header)

    def text(self, *numbers: int) -> str:
        """The first of these that says something."""
        said = (self._value(self._said.str_prop_value, number) for number in numbers)
        return next((str(value).rstrip("\0") for value in said if value), "")

    def data(self, number: int) -> bytes:
        found = self._value(self._said.binary_prop_value, number)
        return found if isinstance(found, bytes) else b""

    def date(self, *numbers: int) -> str:
        said = (self._value(self._said.date_prop_value, number) for number in numbers)
        return next((value.isoformat(" ", "seconds") for value in said if isinstance(value, datetime)), "")

    def number(self, number: int) -> int:
        return cast("int", self._value(self._said.int_prop_value, number) or 0)

    def _value(self, get: Callable[[int], object], number: int) -> object:
        try:
            return get(number)
        except _RAISED:
            return None


def _message(storage: Any, header: int, depth: int) -> Message:
    said = _Properties(storage, header)
    sent = entity(said.text(_HEADERS).replace("\r\n", "\n").encode("utf-8", "replace"))
    message = Message(_headers(said, sent, storage))
    message.message_id = said.text(_ID) or sent.header("message-id")
    message.in_reply_to = said.text(_REPLY_TO) or sent.header("in-reply-to")
    message.text = _body(said)
    for attached in storage.iter_attachment_storages():
        file = _Properties(attached, _FILE_HEADER)
        inner = next((one for one in attached.storages if one.name == _INNER), None)
        if inner is not None and depth < _DEEPEST:
            message.messages.append(_message(inner, _INNER_HEADER, depth + 1))
        elif file.data(_DATA):
            name = file.text(_LONG_NAME, _SHORT_NAME, _NAME) or f"attachment {len(message.files) + 1}"
            message.files.append((name, file.data(_DATA)))
    return message


def _headers(said: _Properties, sent: Entity, storage: Any) -> dict[str, str]:
    """What the message was sent with, else what Outlook says of it."""
    name, address = said.text(_SENDER), said.text(_SENDER_SMTP, _SENDER_ADDRESS)
    people = {"To": list[str](), "Cc": list[str]()}
    for one in storage.iter_recipient_storages():
        person = _Properties(one, _RECIPIENT_HEADER)
        people[_KINDS.get(person.number(_KIND), "To")].append(_person(person.text(_NAME), person.text(_SMTP, _ADDRESS)))
    headers = {
        "From": sent.header("from") or _person(name, address),
        "To": sent.header("to") or ", ".join(people["To"]) or said.text(_TO),
        "Cc": sent.header("cc") or ", ".join(people["Cc"]) or said.text(_CC),
        "Date": sent.header("date") or said.date(_SUBMITTED, _DELIVERED),
        "Subject": said.text(_SUBJECT) or sent.header("subject"),
    }
    return {label: " ".join(value.split()) for label, value in headers.items()}


def _person(name: str, address: str) -> str:
    if not address or address == name or address.startswith("/"):  # a place in a directory is no address
        return name
    return f"{name} <{address}>" if name else address


def _body(said: _Properties) -> str:
    """The plain text where there is one, else that of the page, else that of the rich text."""
    plain = said.text(_BODY)
    if plain.strip():
        return plain.replace("\r\n", "\n")
    page = said.text(_HTML) or decoded(said.data(_HTML))
    if page:
        return readable(page)
    rich = _unpacked(said.data(_RTF))
    try:
        return (
            "".join(part.text for part in rtf.read(Source("body.rtf", rich)) if isinstance(part, Text)) if rich else ""
        )
    except Unreadable:
        return ""


def _unpacked(data: bytes) -> bytes:
    """Rich text as Outlook packs it ([MS-OXRTFCP]): bytes, and references into the last 4,096 of them."""
    if data[8:12] != b"LZFu":
        return data[16:]
    size = min(int.from_bytes(data[4:8], "little"), 20 * len(data))
    ring = bytearray(_DICTIONARY.ljust(_RING, b"\0"))
    to, at = len(_DICTIONARY), 16
    out = bytearray()
    while at < len(data) and len(out) < size:
        flags = data[at]
        at += 1
        for bit in range(8):
            if flags >> bit & 1:
                place = int.from_bytes(data[at : at + 2], "big")
                start, count = place >> 4, (place & 15) + 2
                at += 2
                if start == to:
                    return bytes(out)
            else:
                start, count = -1, 1
            for step in range(count):
                byte = ring[(start + step) % _RING] if start >= 0 else int.from_bytes(data[at : at + 1], "big")
                out.append(byte)
                ring[to] = byte
                to = (to + 1) % _RING
            at += start < 0
    return bytes(out[:size])


FORMAT = Format(
    "outlook",
    frozenset(("msg",)),
    read,
    lambda head: head.startswith(_OLE) and b"_\0_\0s\0u\0b\0s\0t\0g" in head,
    prose=True,
)
