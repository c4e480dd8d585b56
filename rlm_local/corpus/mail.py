"""E-mail: a message's readable text is its headers of interest and its body; a mailbox is its messages in turn."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import cast

from rlm_local.collection.decode import Binary, decode
from rlm_local.corpus.markup import readable
from rlm_local.corpus.table import Raw, Reading, Table

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_ENVELOPE = re.compile(rb"^From .*\d{2}:\d{2}.*\r?\n", re.MULTILINE)
_DEEPEST = 20  # MIME parts in parts
_BETWEEN = "\n\n"


def read(data: bytes, name: str) -> tuple[str, Reading]:
    """The readable text of one message (.eml), and its item. Never raises for what a message may hold."""
    text, cells = _message(data)
    table = Table(name, "messages", "messages")
    if text:
        table.add(0, len(text), cells)
    return text, Reading("email", [table])


def read_mailbox(data: bytes, name: str) -> tuple[str, Reading]:
    """The readable text of a mailbox (mbox: each message behind a "From " line), with an item per message."""
    table = Table(name, "messages", "messages")
    places = [match.start() for match in _ENVELOPE.finditer(data)] or [0]
    parts: list[str] = []
    start = 0
    for first, last in zip(places, [*places[1:], len(data)], strict=True):
        envelope = data.find(b"\n", first) + 1 if data.startswith(b"From ", first) else first
        text, cells = _message(re.sub(rb"(?m)^>(>*From )", rb"\1", data[envelope:last]))
        if text:
            table.add(start, start + len(text), cells)
            parts.append(text)
            start += len(text) + len(_BETWEEN)
    return _BETWEEN.join(parts), Reading("mbox", [table])


def _message(data: bytes) -> tuple[str, dict[str, Raw]]:
    message = message_from_bytes(data, policy=policy.default)
    cells: dict[str, Raw] = {}
    for header in _SHOWN:
        value = _header(message, header)
        if value:
            cells[header] = value
    lines = [f"{header}: {value}" for header, value in cells.items()]
    files = _attachments(message)
    if files:
        cells["Attachments"] = ", ".join(files)
        lines.append(f"Attachments: {cells['Attachments']}")
    body = _body(message, 0).strip()
    if cells.get("Date"):
        cells["Date"] = _date(str(cells["Date"]))
    return "\n".join(lines) + "\n\n" + body if body else "\n".join(lines), cells


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = str(message[name] or "")
    except (
        ValueError,
        IndexError,
        AttributeError,
        TypeError,
        LookupError,
    ):  # the standard parser fails on some malformed headers
        value = next((str(raw) for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    return " ".join(value.encode("utf-8", "replace").decode("utf-8").split())


def _date(text: str) -> str:
    try:
        return parsedate_to_datetime(text).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, IndexError, TypeError):
        return text


def _parts(message: EmailMessage) -> list[EmailMessage]:
    payload = cast("object", message.get_payload())
    return (
        [part for part in cast("list[object]", payload) if isinstance(part, EmailMessage)]
        if isinstance(payload, list)
        else []
    )


def _attachments(message: EmailMessage) -> list[str]:
    names: list[str] = []
    for part in _parts(message):
        try:
            name = part.get_filename()
        except (ValueError, IndexError, AttributeError, TypeError, LookupError):
            name = None
        if name:
            names.append(" ".join(name.encode("utf-8", "replace").decode("utf-8").split()))
    return names


def _body(message: EmailMessage, depth: int) -> str:
    """A message's text: plain where it is offered, else HTML as text; attached files are left out."""
    parts = _parts(message)
    if parts and depth < _DEEPEST:
        if message.get_content_type() == "multipart/alternative":
            best = [part for part in parts if part.get_content_type() == "text/plain"] or parts[-1:]
            return _body(best[0], depth + 1)
        shown = [_body(part, depth + 1) for part in parts if _disposition(part) != "attachment"]
        return "\n\n".join(text for text in shown if text)
    kind = message.get_content_type()
    if not kind.startswith("text/"):
        return ""
    payload = cast("object", message.get_payload(decode=True))
    if not isinstance(payload, bytes):
        return ""
    text = _decoded(payload, message.get_content_charset())
    return readable(text) if kind == "text/html" else text


def _disposition(part: EmailMessage) -> str:
    try:
        return part.get_content_disposition() or ""
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        return ""


def _decoded(payload: bytes, charset: str | None) -> str:
    if charset:
        try:
            return (
                payload.decode(charset)
                .replace("\r\n", "\n")
                .replace("\r", "\n")
                .replace("\0", "\N{REPLACEMENT CHARACTER}")
            )
        except (LookupError, ValueError):
            pass
    found = decode(payload)
    return "" if isinstance(found, Binary) else found.text
