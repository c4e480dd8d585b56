"""Hostile repeats, and whether four times of one cost about four times the time and the memory.

Time is that of the processor, and a ratio of two in one run. What grows with the square is sixteen times as much, so
there is room for what a machine does beside; something fails where it is more than nine times each of three times.
"""

import gc
import itertools
import time
import tracemalloc
from collections.abc import Callable

_NOTHING = 0.04
"""Seconds for the larger one, up to which nothing is said."""
_MOST = 9
_TRIES = 3
_ROOM = 4 << 20
"""Bytes that anything may take."""

Maker = Callable[[int], bytes]
"""A text or file of about so many bytes."""
Work = Callable[[bytes], object]


def again(unit: str, before: str = "") -> Maker:
    """`before`, then `unit` again and again; "%d" in it is a number that is ever new."""

    def make(size: int) -> bytes:
        if "%d" not in unit:
            return (before + unit * (size // len(unit))).encode()
        units = (unit.replace("%d", str(number)) for number in itertools.count())
        pieces, made = [before], 0
        while made < size:
            pieces.append(next(units))
            made += len(pieces[-1])
        return "".join(pieces).encode()

    return make


def nested(opening: str, closing: str, before: str = "") -> Maker:
    def make(size: int) -> bytes:
        times = size // len(opening + closing)
        return (before + opening * times + closing * times).encode()

    return make


STAMP = "2024-05-01 10:00:00"
MAIL = "From: a@b\nTo: c@d\nSubject: x\n"
ENVELOPE = "From a@b Thu Jan  1 00:00:00 1970\n"

TEXTS: dict[str, Maker] = {
    "digits": again("0"),
    "spaces": again(" "),
    "lines": again("\n"),
    "pipes": again("|"),
    "headings": again("# a\n\n"),
    "underlines": again("a\n---\n"),
    "quotes": again('"'),
    "quoted": again('" '),
    "apostrophes": again("'"),
    "brackets": again("["),
    "parentheses": again("("),
    "braces": again("{"),
    "angles": again("<"),
    "backslashes": again("\\"),
    "backticks": again("`"),
    "stars": again("**a"),
    "rules": again("-"),
    "new keys": again("k%d: a\n"),
    "labels": again("Label: a\n"),
    "numbers": again("1.1.1 "),
    "addresses": again("a@b."),
    "times": again("1:1:"),
    "log heads": again(f"{STAMP} "),
    "levels": again("[INFO] "),
    "envelopes": again(ENVELOPE),
    "tags": again("<b><i>"),
    "comments": again("<!--"),
    "links": again("[a]("),
    "fences": again("```\n"),
    "letters of no case": again("中"),
    "grids": again("+--+--+\n|a |b |\n"),
    "columns under marks": again("== ==\na  b\n"),
    "talk": again("Ann: hi\nBob: ho\n"),
}
"""For whatever looks at a text."""


def seconds(work: Work, data: bytes) -> float:
    gc.disable()  # what a collection takes goes by all that there is, not by this text
    try:
        began = time.process_time()
        work(data)
        return time.process_time() - began
    finally:
        gc.enable()


def peak(work: Work, data: bytes) -> int:
    tracemalloc.start()
    try:
        work(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def check_time(work: Work, make: Maker, size: int) -> None:
    small, large = make(size), make(4 * size)
    work(small)  # what is imported
    ratios: list[float] = []
    while len(ratios) < _TRIES:
        took = seconds(work, large)
        if took < _NOTHING or (ratio := took / max(seconds(work, small), 1e-3)) < _MOST:
            break
        ratios.append(ratio)
    assert len(ratios) < _TRIES, f"four times as much takes {min(ratios):.0f} times as long"


def check_memory(work: Work, make: Maker, size: int) -> None:
    small, large = (peak(work, make(each)) for each in (size, 4 * size))
    assert large < _ROOM + _MOST * small, f"{large >> 20} MB for {4 * size} bytes, {small >> 20} for a quarter of them"
