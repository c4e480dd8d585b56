"""Text as it may stand in the database: no control characters, no halves of characters; names in one line."""

import re

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LINE = 200


def cleaned(text: str) -> str:
    """The text with each character that may not stand in it replaced by one that may; as long as before."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text) if _UNSAFE.search(text) else text


def line(text: str, most: int = _LINE) -> str:
    """The text in one line, cut."""
    return " ".join(cleaned(text[: 4 * most]).split())[:most]
