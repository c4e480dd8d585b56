"""Cuts a text into pieces that are short enough to be judged at once, and leaves nothing out."""

from collections.abc import Iterator


def chunks(text: str, start: int, end: int, *, shortest: int, longest: int) -> Iterator[tuple[int, int]]:
    """Spans that cover the text from `start` to `end`. Paragraphs are put together up to `shortest` characters; what is
    longer than `longest` is cut at line ends, sentences, or between words."""
    at = start
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        stop = text.find("\n\n", min(at + shortest, end), min(at + longest + 2, end))  # farther, it would be cut
        stop = end if stop < 0 else stop
        if stop - at > longest:
            cuts = (text.rfind(mark, at + shortest, at + longest) for mark in ("\n\n", "\n", ". ", " "))
            stop = next((cut + 1 for cut in cuts if cut > 0), at + longest)
        yield at, stop
        at = stop
