"""Logs of pairs, called logfmt: each line is `time=2024-05-01T10:00:00Z level=info msg="job done" id=7`."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from rlm_local.collection.formats.part import MOST_ROWS, Cell, Rows

_PAIR = re.compile(r"([A-Za-z_@][\w.@/-]{0,60})=(\"(?:[^\"\\\n]|\\.){0,4000}\"|[^\s\"]{0,4000})(?:[ \t]+|$)")
_SAMPLE = 200
_FEWEST = 3
"""Pairs of a line, and lines of a log."""
_MOSTLY = 0.8
_RARE = 0.01
_MOST_COLUMNS = 100
_LONGEST_LINE = 20_000
_OTHER = "other"


def is_pairs(head: str) -> bool:
    """Whether most of a text's first lines are pairs and nothing else."""
    lines = [line for line in islice(head.split("\n"), _SAMPLE) if line and not line.isspace()]
    lines = lines[:-1] if len(lines) > _FEWEST else lines  # the last may be cut
    if len(lines) < _FEWEST or "=" not in lines[0]:
        return False
    return sum(len(_pairs(line)) >= _FEWEST for line in lines) >= _MOSTLY * len(lines)


class Pairs:
    """Reads every line as a row; keys that few of the first thousands have stand in a last column, `other`.

    Args:
        first: the beginning of the log.
    """

    problem = ""

    def __init__(self, first: str, table: str) -> None:
        self._table = table
        sample = [_pairs(line) for line in islice(first.split("\n"), MOST_ROWS)]
        seen = Counter(key for pairs in sample for key in pairs)
        fewest = max(1, _RARE * sum(map(bool, sample)))
        self._keys = [key for key, count in seen.items() if count >= fewest][:_MOST_COLUMNS]
        self._known = frozenset(self._keys)

    def rows(self, text: str, start: int) -> Iterator[Rows]:
        """The entries of a stretch of whole lines, which begins at `start` of the log's text."""
        columns = (*self._keys, _OTHER if _OTHER not in self._known else f"{_OTHER} pairs")
        rows: list[tuple[Cell, ...]] = []
        spans: list[tuple[int, int]] = []
        for line in text.split("\n"):
            pairs = _pairs(line)
            if pairs:
                others = " ".join(f"{key}={value}" for key, value in pairs.items() if key not in self._known)
                rows.append((*map(pairs.get, self._keys), others or None))
                spans.append((start, start + len(line)))
            if len(rows) == MOST_ROWS:
                yield Rows(self._table, columns, rows, spans, kind="lines")
                rows, spans = [], []
            start += len(line) + 1
        if rows:
            yield Rows(self._table, columns, rows, spans, kind="lines")


def _pairs(line: str) -> dict[str, str]:
    """The pairs of a line; empty where it has anything else, or is longer than any entry."""
    found: dict[str, str] = {}
    line = line.strip()
    at = 0
    while at < len(line) <= _LONGEST_LINE:
        match = _PAIR.match(line, at)
        if not match:
            return {}
        value = match[2]
        found[match[1]] = value[1:-1].replace('\\"', '"') if value.startswith('"') else value
        at = match.end()
    return found
