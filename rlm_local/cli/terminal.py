"""Text for terminals: what comes from documents and models is shown as text, never obeyed."""

import re
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline: escapes, bells, carriage returns
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what reverses the order of what is read
    "\ud800-\udfff]"  # half characters, which no stream can encode
)


def clean(text: str) -> str:
    """Text that is safe on a terminal: line ends as newlines, what a terminal would act on as U+FFFD."""
    return _UNSAFE.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str, width: int) -> str:
    """Clean text on one line, cut to a width in characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Lines with the cells of each column one below the other; columns whose number is in `right` end together."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def complain(message: str) -> None:
    """An error, on stderr."""
    sys.stderr.write(f"rlm-local: {clean(message)}\n")
    sys.stderr.flush()


def console(stream: TextIO) -> "Console":
    """A console that prints what it is given: no markup, no emoji, no guesses at highlighting."""
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False, soft_wrap=True)
