"""Access logs of web servers: one request a line, in the common and the combined form."""

import re
from collections.abc import Iterator

from rlm_local.collection.formats.logs.stamp import FORMS, Stamps
from rlm_local.collection.formats.part import MOST_ROWS, Cell, Rows

_TEXT = r"(?:[^\"\\\n]|\\.)*"
_REQUEST = (
    rf"(?P<client>\S{{1,200}}) \S{{1,100}} "
    rf"(?P<user>\"[^\"\n]{{0,100}}\"|\S{{1,200}}) \[(?P<stamp>{FORMS['day first']})\] "
    rf"\"(?P<request>{_TEXT})\" (?P<status>\d{{3}}|-) (?P<size>\d{{1,18}}|-)"
    rf"(?: \"(?P<referrer>{_TEXT})\" \"(?P<agent>{_TEXT})\")?(?P<more>[^\n]*)"
)
_LINES = re.compile(rf"^{_REQUEST}", re.MULTILINE)
_HOSTED = re.compile(rf"^(?P<site>[^\s\"\[]{{1,200}}) {_REQUEST}", re.MULTILINE)
_SAMPLE = 200
_COLUMNS = ("site", "client", "user", "method", "path", "protocol", "status", "size", "referrer", "agent", "more")


def access_form(head: str) -> re.Pattern[str] | None:
    """The pattern of most of a text's first lines, if they are requests."""
    lines = [line for line in head.split("\n")[:_SAMPLE] if line]
    for form in (_LINES, _HOSTED):
        if lines and 2 * sum(bool(form.match(line)) for line in lines) > len(lines):
            return form
    return None


class Requests:
    """Reads every request as a row; columns that the first thousands leave empty are left out.

    Args:
        first: the beginning of the log.

    Attributes:
        problem: what the log leaves open; empty where nothing.
    """

    def __init__(self, first: str, form: re.Pattern[str], table: str, name: str) -> None:
        found = [match for match, _ in zip(form.finditer(first), range(MOST_ROWS), strict=False)]
        self._form, self._table = form, table
        self._stamps = Stamps("day first", [(match, "") for match in found], name)
        self.problem = self._stamps.problem
        seen = {column for match in found for column, value in _cells(match).items() if value is not None}
        self._kept = [column for column in _COLUMNS if column in seen]

    def rows(self, text: str, start: int) -> Iterator[Rows]:
        """The requests of a stretch of whole lines, which begins at `start` of the log's text."""
        columns = (*self._stamps.columns, *self._kept)
        rows: list[tuple[Cell, ...]] = []
        spans: list[tuple[int, int]] = []
        for match in self._form.finditer(text):
            cells = _cells(match)
            rows.append((*self._stamps.read(match), *(cells.get(column) for column in self._kept)))
            spans.append((start + match.start(), start + match.end()))
            if len(rows) == MOST_ROWS:
                yield Rows(self._table, columns, rows, spans, kind="lines")
                rows, spans = [], []
        if rows:
            yield Rows(self._table, columns, rows, spans, kind="lines")


def _cells(match: re.Match[str]) -> dict[str, Cell]:
    groups = match.groupdict()
    cells: dict[str, Cell] = {}
    for name in ("site", "client", "user", "referrer", "agent", "more"):
        value = (groups.get(name) or "").strip()
        cells[name] = value if value not in ("", "-", '"-"') else None
    for name in ("status", "size"):
        cells[name] = int(groups[name]) if groups[name] != "-" else None
    parts = groups["request"].split(" ")
    if len(parts) == 3 and parts[0].isalpha():
        cells["method"], cells["path"], cells["protocol"] = parts
    else:
        cells["path"] = groups["request"] if groups["request"] not in ("", "-") else None
    return cells
