"""Markdown: a section per heading, and the rows of its tables."""

import re

from rlm_local.corpus.labels import labelled
from rlm_local.corpus.table import Raw, Reading, Table
from rlm_local.corpus.text import trimmed

_HEADING = re.compile(r"^(?P<marks>#{1,6})[ \t]+(?P<title>[^\n]*?)[ \t#]*$", re.MULTILINE)
_FENCE = re.compile(
    r"^[ \t]*(?P<fence>`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^[ \t]*(?P=fence)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_RULE = re.compile(r"^[ \t]*+(?:\|[ \t]*+)?:?-{2,}+:?[ \t]*+(?:\|[ \t]*+:?-{2,}+:?[ \t]*+)+\|?[ \t]*$", re.MULTILINE)
_CELL = re.compile(r"(?<!\\)\|")


def looks_so(text: str) -> bool:
    """Whether a text without a telling name has Markdown's headings or a table."""
    head = text[:60_000]
    return len(_HEADING.findall(head)) >= 2 or bool(_RULE.search(head))


def read(text: str, name: str) -> Reading:
    """Sections with their title, level and labelled lines; every table's rows. Fenced code is neither."""
    reading = Reading("markdown")
    fences = [(match.start(), match.end()) for match in _FENCE.finditer(text)]
    headings = [match for match in _HEADING.finditer(text) if not _inside(match.start(), fences)]
    edges = [match.start() for match in headings]
    if not edges or trimmed(text, 0, edges[0])[0] < edges[0]:
        edges.insert(0, 0)
    sections = Table(name, "sections", "sections")
    titles = {match.start(): match for match in headings}
    for first, last in zip(edges, [*edges[1:], len(text)], strict=True):
        start, end = trimmed(text, first, last)
        if end > start:
            heading = titles.get(first)
            cells: dict[str, Raw] = (
                {"title": heading["title"], "level": float(len(heading["marks"]))} if heading else {}
            )
            sections.add(start, end, {**cells, **labelled(text[start:end])})
    if len(sections):
        reading.tables.append(sections)
    reading.tables.extend(
        table
        for rule in _RULE.finditer(text)
        if not _inside(rule.start(), fences) and (table := _table(text, rule, name))
    )
    return reading


def _inside(place: int, extents: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in extents)


def _table(text: str, rule: re.Match[str], name: str) -> Table | None:
    above = text.rfind("\n", 0, max(0, rule.start() - 1)) + 1
    labels = _cells(text[above : rule.start()])
    if not labels or len(set(labels)) < len(labels):
        return None
    table = Table(name, "rows")
    place = rule.end() + 1
    while place < len(text):
        newline = text.find("\n", place)
        end = len(text) if newline < 0 else newline
        line = text[place:end]
        if "|" not in line:
            break
        cells = _cells(line)
        table.add(place, end, {label: cell or None for label, cell in zip(labels, cells, strict=False)})
        place = end + 1
    return table if len(table) else None


def _cells(line: str) -> list[str]:
    return [
        cell.strip().replace("\\|", "|").strip("*_`")
        for cell in _CELL.split(line.strip().removeprefix("|").removesuffix("|"))
    ]
