"""Mail: messages (.eml) and mailboxes (mbox), each message a document and a row of `messages`.

Attachments and messages inside a message are documents inside it. A mailbox is read a message at a time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from mimetypes import guess_extension
from typing import BinaryIO

from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.html import readable
from rlm_local.collection.formats.inside import named, read_inside, within
from rlm_local.collection.formats.mime import DEEPEST, Entity, entity
from rlm_local.collection.formats.part import Cell, Document, Note, Part, Rows, Text
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.source import Source

COLUMNS = ("date", "from", "to", "cc", "subject", "text", "attachments", "message_id", "in_reply_to")
"""Of the table `messages`, of whatever form the mail is."""

MOST_MESSAGE = 1 << 26
"""Bytes of one message that are read."""

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_LONGEST_LINE = 1 << 20
_ENVELOPE = re.compile(rb"From [^\n]{1,200}?\d\d:\d\d[^\n]{0,80}$")  # tried at the beginning of a line, bounded
_HEADER = re.compile(rb">?[!-9;-~]{1,76}:|>?From ")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_SHOWN = frozenset(("text/plain", "text/html", "text/enriched", "message/delivery-status"))
_FILES = ("application/", "image/", "audio/", "video/", "font/", "model/")
_KNOWN = frozenset(
    b"from to cc date subject received return-path message-id mime-version delivered-to reply-to sender".split()
)


@dataclass
class Message:
    """A message as mail of any form gives it: what its headers say, its text, the files it carries."""

    headers: dict[str, str] = field(default_factory=dict[str, str])
    """The ones of _HEADERS that it has."""
    text: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    messages: list["Message"] = field(default_factory=list["Message"])
    message_id: str = ""
    in_reply_to: str = ""
    notes: list[str] = field(default_factory=list[str])


def read(source: Source) -> Iterator[Part]:
    """The parts of one message."""
    data = source.open().read(MOST_MESSAGE)
    yield from parts_of(source, message_of(entity(_lines(data))), "", 0)
    if source.size > MOST_MESSAGE:
        yield Note(f"only the first {MOST_MESSAGE >> 20} MB are read")


def read_mailbox(source: Source) -> Iterator[Part]:
    """The parts of a mailbox: its messages in order."""
    given = 0
    for number, (data, whole) in enumerate(_messages(source.open()), 1):
        for part in parts_of(source, message_of(entity(_lines(data))), f"message {number}", given):
            given += isinstance(part, Document)
            yield part
        if not whole:
            yield Note(f"only the first {MOST_MESSAGE >> 20} MB of this message are read")


def parts_of(source: Source, message: Message, name: str, given: int) -> Iterator[Part]:
    """A message's document, its row, and the documents inside it.

    Args:
        name: of its document, in the file.
        given: documents of the file that have been given before.
    """
    shown = {header: message.headers[header] for header in _HEADERS if message.headers.get(header)}
    files = ", ".join([file for file, _ in message.files] + [_subject(inner) for inner in message.messages])
    lines = [f"{header}: {value}" for header, value in shown.items()] + ([f"Attachments: {files}"] if files else [])
    head = "\n".join(lines)
    body = clean(message.text).strip()
    text = f"{head}\n\n{body}\n" if head and body else f"{head or body}\n"
    fields: dict[str, Cell] = dict(shown)
    date = when(shown.get("Date", ""))
    if date:
        fields["Date"] = date
    yield Document(name, shown.get("Subject", ""), "mail", fields, place=name)
    yield Text(text)
    row = (date, *(shown.get(header) for header in ("From", "To", "Cc", "Subject")), body, files or None)
    yield Rows(
        "messages",
        COLUMNS,
        [(*row, message.message_id or None, message.in_reply_to or None)],
        spans=[(0, len(text))],
        places=[name] if name else None,
        kind="messages",
    )
    yield from (Note(problem) for problem in message.notes)
    parent, given = given, given + 1
    for file, data in message.files:
        for part in read_inside(source, file, data, parent=parent, given=given, under=name):
            given += isinstance(part, Document)
            yield part
    for inner in message.messages:
        parts = within(parts_of(source, inner, "", 0), named(_subject(inner), name), parent=parent, given=given)
        for part in parts:
            given += isinstance(part, Document)
            yield part


def message_of(whole: Entity, depth: int = 0) -> Message:
    """The message that a MIME entity is; `depth`: parts and messages that it is inside of."""
    message = Message({name: whole.header(name.lower()) for name in _HEADERS})
    message.message_id = whole.header("message-id")
    message.in_reply_to = whole.header("in-reply-to")
    message.text = "\n\n".join(text for text in _texts(whole, message, depth) if text)
    return message


def when(said: str) -> str | None:
    """A date as headers write it, as ISO 8601 with its zone where it has one; as it stands where it is none."""
    try:
        return parsedate_to_datetime(said[:200]).isoformat(" ", "seconds")
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return said or None


def _texts(part: Entity, message: Message, depth: int) -> Iterator[str]:
    """The text that a part shows; files and messages that it carries are put into `message`."""
    parts = list(part.parts()) if depth < DEEPEST else []
    if parts and part.kind == "multipart/alternative":
        yield from _first(parts, message, depth + 1)
    elif parts:
        related = part.kind == "multipart/related"
        for one in parts:
            if not (related and one.kind.startswith("image/") and one.header("content-id")):  # part of how it looks
                yield from _texts(one, message, depth + 1)
    elif part.kind == "message/rfc822" and depth < DEEPEST:
        message.messages.append(message_of(entity(part.content), depth + 1))
    elif part.kind.startswith(_FILES) or part.attached or (part.filename and part.kind not in _SHOWN):
        message.files.append((part.filename or _name_for(part, len(message.files) + 1), part.content))
    elif part.kind == "text/html":
        yield readable(part.text)
    else:
        yield part.text.strip("\n")


def _first(parts: list[Entity], message: Message, depth: int) -> Iterator[str]:
    """The first of several forms of the same that has text: the plain one comes first."""
    found = False
    for part in parts:
        if not (found and part.kind.startswith("text/")):
            texts = [text for text in _texts(part, message, depth) if text.strip()]
            yield from () if found else texts
            found = found or bool(texts)


def _name_for(part: Entity, number: int) -> str:
    return f"attachment {number}{guess_extension(part.kind) or ''}"


def _subject(message: Message) -> str:
    return message.headers.get("Subject") or "message"


def _lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n") if b"\r" in data else data


def _messages(stream: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Each message's bytes without its envelope, and whether they are all that there is of it."""
    lines: list[bytes] = []
    held = b""  # looks like an envelope: what follows tells
    size = 0
    while line := stream.readline(_LONGEST_LINE):
        if held and _HEADER.match(line):
            if any(part.strip() for part in lines):
                yield _unescaped(lines), size <= MOST_MESSAGE
            lines, size = [], 0
        elif held:
            lines.append(held)
        held = line if line.startswith(b"From ") and _ENVELOPE.match(line.rstrip()) else b""
        size += len(line)
        if not held and size <= MOST_MESSAGE:
            lines.append(line)
    if any(part.strip() for part in lines):
        yield _unescaped(lines), size <= MOST_MESSAGE


def _unescaped(lines: list[bytes]) -> bytes:
    data = b"".join(lines)
    return _ESCAPED.sub(rb"\1", data) if b"\n>" in data else data


def _is_message(head: bytes) -> bool:
    """Whether a file begins with headers, two of them headers that mail has."""
    known = 0
    for line in _lines(head).split(b"\n", 40)[:40]:
        if not line or not (line[:1] in b" \t" or _HEADER.match(line)):
            break
        known += line.partition(b":")[0].lower() in _KNOWN
    return known >= 2


def _is_mailbox(head: bytes) -> bool:
    line, _, rest = _lines(head).partition(b"\n")
    return bool(_ENVELOPE.match(line)) and bool(_HEADER.match(rest))


MAILBOX = Format("mailbox", frozenset(("mbox", "mbx")), read_mailbox, _is_mailbox)
FORMAT = Format("mail", frozenset(("eml",)), read, _is_message, prose=True)
