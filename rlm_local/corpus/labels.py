"""Labelled lines: what "Patient ID: 4711", "**Amount due:** EUR 45.20" or "Status - closed" state in a text."""

import re

_LABEL = r"[^\W\d_][\w'\u2019/()&.# -]{0,40}?"
_LINE = re.compile(
    rf"^[ \t>]*(?:[-*+•]\s+|\|\s*|\d+[.)]\s+)?(?:\*\*|__)?(?P<label>{_LABEL})\s?"
    r"(?:(?::(?:\*\*|__)?|(?:\*\*|__):)(?!//)[ \t]*|(?:\*\*|__)?[ \t](?:[-\u2013—=])[ \t]+|[ \t]*(?:\.{3,}|\t)[ \t]*)"
    r"(?P<value>\S[^\n]*?)[ \t|]*$",
    re.MULTILINE,
)
_PIECES = re.compile(r"\s*(?:\|\||(?<=\S) \| |\t|; )\s*")
_PIECE = re.compile(rf"(?P<label>{_LABEL})\s*[:=]\s?(?P<value>\S.*)")
_LONGEST_VALUE = 200
_MOST_WORDS = 5  # in a label: longer ones are sentences with a colon in them


def labelled(text: str) -> dict[str, str]:
    """The values that lines of `text` state, by label as written. The first statement of a label counts."""
    stated: dict[str, str] = {}
    for match in _LINE.finditer(text):
        label, value = match["label"].strip(" *_"), match["value"].strip("*_ \t")
        if _is_label(label) and value and len(value) <= _LONGEST_VALUE:
            stated.setdefault(label, value)
    return stated


def pieces(line: str) -> dict[str, str]:
    """The values of a line that holds several: "Date: Jan 5, 2023 || User: 42 || Text: ..."; {} for other lines."""
    parts = _PIECES.split(line.strip())
    if len(parts) < 2:
        return {}
    found = [_PIECE.fullmatch(part) for part in parts]
    stated = {match["label"].strip(): match["value"].strip() for match in found if match and _is_label(match["label"])}
    return stated if len(stated) >= 2 and 2 * len(stated) > len(parts) else {}


def _is_label(label: str) -> bool:
    return (
        bool(label)
        and len(label.split()) <= _MOST_WORDS
        and not label.lower().startswith(("http", "dear ", "hi ", "hello "))
    )
