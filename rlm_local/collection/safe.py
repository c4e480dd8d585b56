"""Text as it may stand in the database: no control characters, no halves of characters; names in one line."""

import re

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LINE = 200


def is_plain(text: str) -> bool:
    """Whether a text has printable characters, line ends and tabs alone: most have, and are told so at once."""
    return text.isprintable() or text.replace("\n", " ").replace("\t", " ").isprintable()


def cleaned(text: str) -> str:
    """The text with each character that may not stand in it replaced by one that may; as long as before."""
    return text if is_plain(text) else _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def line(text: str, most: int = _LINE) -> str:
    """The text in one line, cut."""
    return " ".join(cleaned(text[: 4 * most]).split())[:most]
