"""Text that is shown and read by a model: line breaks and tabs, and no other control characters."""

import re

from rlm_local.collection.safe import is_plain

_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,24}[A-Za-z]")
_BREAKS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` with every form of line break as "\\n", no control characters, and whole characters only."""
    if is_plain(text):
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", _BREAKS.sub("\n", _COLOUR.sub("", text)))
    return text if text.isascii() else _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
