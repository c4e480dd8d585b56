"""Files inside files: attachments, members of archives, messages in messages.

Each is a document of its own that knows the one it is inside of. What cannot be read costs itself only: it stands there
without text, and a note says why.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from rlm_local.collection import formats
from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.format import LOOK
from rlm_local.collection.formats.part import Document, Note, Part
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.source import Source

DEEPEST = 3
"""Archives and messages that a file may be inside of."""

UNREAD = "unread"
"""The kind of a document that is there and could not be read."""

BETWEEN = " > "
_LONGEST_NAME = 200


def read_inside(
    source: Source, name: str, data: bytes | BinaryIO, *, parent: int, given: int, under: str = ""
) -> Iterator[Part]:
    """The parts of a file inside of `source`, whatever its format is. Never raises for what it holds.

    Args:
        name: its name with its suffix.
        parent: which document it is inside of.
        given: documents of the file on the disk that have been given so far.
        under: the name of the document it is inside of.
    """
    return within(_parts(source, name, data), named(name, under), parent=parent, given=given)


def within(parts: Iterator[Part], name: str, *, parent: int, given: int) -> Iterator[Part]:
    """`parts` of something inside a document: named under it, counted on from `given`, an error become a note."""
    begun = False
    try:
        for part in parts:
            if isinstance(part, Document):
                begun = True
                place = parent if part.parent is None else given + part.parent
                yield replace(part, name=named(part.name, name), parent=place)
            else:
                yield part
        return
    except Unreadable as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001  one broken attachment must not cost its mailbox
        reason = f"failed: {type(error).__name__}: {error}"[:_LONGEST_NAME]
    yield from [Note(_why(reason))] if begun else unread(name, reason, parent)


def unread(name: str, reason: str, parent: int) -> Iterator[Part]:
    """Something that is inside of a document, and why it could not be read."""
    yield Document(named(name, ""), kind=UNREAD, parent=parent)
    yield Note(_why(reason))


def named(name: str, under: str) -> str:
    """The name of a document inside another: on one line, and not too long to be shown."""
    name = " ".join(clean(name).split())
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME // 2]}…{name[-_LONGEST_NAME // 2 :]}"
    return f"{under}{BETWEEN}{name}" if under and name else under or name


def _why(reason: str) -> str:
    return f"not read: {clean(reason)}"


def _parts(source: Source, name: str, data: bytes | BinaryIO) -> Iterator[Part]:
    inner = Source(name, data, source.depth + 1, source.room)
    if inner.depth > DEEPEST:
        raise Unreadable(f"it is inside of more than {DEEPEST} others")
    inner.room.files -= 1
    inner.room.size -= inner.size
    if inner.room.files < 0 or inner.room.size < 0:
        raise Unreadable("the file it is inside of holds more than is read of one file")
    form = formats.format_of(name, inner.open().read(LOOK))
    if form is None or not inner.size:
        raise Unreadable("of a form that is not known" if inner.size else "empty")
    yield from form.read(inner)
