"""Texts with light markup: Markdown and its like, reStructuredText, TeX.

What a person reads is the source; its headings are what passages stand under, its front matter and the labelled lines
at its top are fields, its tables are rows.
"""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from itertools import islice

from rlm_local.collection.formats import ruled_text
from rlm_local.collection.formats import text as text_format
from rlm_local.collection.formats.flow import is_titled
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.part import MOST_ROWS, Cell, Document, Part, Rows
from rlm_local.collection.formats.prose.blocks import blocks
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.prose.front import MOST_MATTER, front_matter
from rlm_local.collection.formats.prose.headings import headings as plain_headings
from rlm_local.collection.formats.prose.headings import is_rule
from rlm_local.collection.formats.prose.labels import headers
from rlm_local.collection.formats.prose.outline import Heading, stretches
from rlm_local.collection.formats.source import Source

_MOST_COLUMNS = 300
_LONGEST_TITLE = 160
_TOP = 20

_MARKED = re.compile(
    r"^(?: {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>[^\n]*)| {0,3}(?P<fence>`{3,}|~{3,})[^\n]*|(?P<rule>[ \t|:=+-]{2,})"
    r"| {0,3}(?P<bold>\*\*[^*\n]{2,160}\*\*):?[ \t]*)$",
    re.MULTILINE,
)
_SIGNS = {"adoc": "=", "asciidoc": "=", "org": "*"}
_SECTIONS = ("part", "chapter", "section", "subsection", "subsubsection")
_SECTION = re.compile(
    rf"^[ \t]{{0,40}}\\(?P<kind>{'|'.join(_SECTIONS)})\*?\{{(?P<title>[^{{}}\n]{{1,200}})", re.MULTILINE
)
_TEX_TITLE = re.compile(r"\\title\{([^{}]{1,200})\}")
_STRONG = re.compile(r"\*\*([^*\n]{1,300})\*\*")
_EMPHASIS = re.compile(r"(?<![\w*])[*_]{1,3}(?=[\w`])|(?<=[\w`.])[*_]{1,3}(?![\w*])")
_RULES = frozenset("|:- \t")
_HTML = re.compile(
    r"(`[^`\n]{1,200}`)|<!--(?:(?!-->)[^\n]){0,500}-->"
    r"|</?(br|p|li|ul|ol|div|b|i|u|em|strong|small|big|center|span|font|sub|sup|code|kbd|del|ins|a|img|details|summary)"
    r"(?:\s[^<>\n]{0,500})?/? ?>",
    re.IGNORECASE,
)
_BREAKS = frozenset(("br", "p", "li", "div"))
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\([^()\n]{0,500}\)")


def read(source: Source) -> Iterator[Part]:
    """The parts of a text with light markup.

    Raises:
        Unreadable: it is no text.
    """
    if source.is_large:
        yield from text_format.read(source)
        return
    text = clean(source.text)
    fields, start = front_matter(text)
    top = list(islice(blocks(text[start : start + MOST_MATTER]), _TOP))
    fields = {**headers(text[start : start + MOST_MATTER], top), **fields}
    outline, tables = _structure(text, start, source.suffix)
    yield Document(title=_title(text, fields, outline, source.suffix), kind="markdown", fields=fields)
    yield from stretches(text, outline)
    yield from tables


def _structure(text: str, start: int, suffix: str) -> tuple[list[Heading], list[Rows]]:
    if suffix in ("tex", "ltx", "latex"):
        return [
            Heading(match.start(), match["title"], "tex", _SECTIONS.index(match["kind"]) + 1)
            for match in _SECTION.finditer(text)
        ], []
    if suffix in ("rst", "rest"):
        return list(plain_headings(text, blocks(text))), list(ruled_text.tables(text))
    if suffix in _SIGNS:
        marked = re.compile(rf"^({re.escape(_SIGNS[suffix])}{{1,6}})[ \t]+(\S[^\n]*)$", re.MULTILINE)
        return [Heading(match.start(), match[2], "marks", len(match[1])) for match in marked.finditer(text)], []
    return _markdown(text, start)


def _markdown(text: str, start: int) -> tuple[list[Heading], list[Rows]]:
    found: list[Heading] = []
    tables: list[Rows] = []
    end = start  # of the last table
    for match in _visible(text, start):
        if match.start() < end:
            continue
        if match["marks"]:
            title = _plain(match["title"].strip().rstrip("#"))
            if title:
                found.append(Heading(match.start(), title, "marks", len(match["marks"])))
            continue
        before = text.rfind("\n", start, max(start, match.start() - 1)) + 1 or start
        above, rule = text[before : match.start()].strip(), (match["rule"] or "").strip()
        if match["bold"]:
            title = _plain(match["bold"])
            if (not above or above[0] == "#" or is_rule(above)) and is_titled(title):
                found.append(Heading(match.start(), title, "bold"))
            continue
        if is_rule(rule) and rule[0] in "=-" and _heads(text, before, above):
            found.append(Heading(before, _plain(above), "marks", "=-".index(rule[0]) + 1))
        elif "|" in above and "-" in rule and set(rule) <= _RULES:
            tables.extend(_table(text, above, match.end() + 1, found[-1].title if found else ""))
            end = tables[-1].spans[-1][1] if tables and tables[-1].spans else end
    return found, tables


def _visible(text: str, start: int) -> Iterator[re.Match[str]]:
    """What is marked outside of fenced code and comments."""
    comments, seen = _comments(text), 0
    fence = ""
    for match in _MARKED.finditer(text, start):
        while seen < len(comments) and comments[seen][1] <= match.start():
            seen += 1
        marks = match["fence"]
        if fence:
            if marks and marks.startswith(fence) and not match[0].strip().strip(fence[0]):
                fence = ""
        elif seen < len(comments) and comments[seen][0] <= match.start():
            continue
        elif marks:
            fence = marks
        else:
            yield match


def _heads(text: str, before: int, above: str) -> bool:
    """Whether a line above a row of marks is a heading: a line of words with nothing right above it."""
    if not above or len(above) > _LONGEST_TITLE or above[0] in "#>|-*`=":
        return False
    return before == 0 or text[max(0, before - 2) : before] in ("\n\n", "\n")


def _table(text: str, header: str, start: int, name: str) -> Iterator[Rows]:
    columns = tuple(_cells(header))
    if len(columns) > _MOST_COLUMNS or not any(columns):
        return
    rows: list[tuple[Cell, ...]] = []
    spans: list[tuple[int, int]] = []
    place = start
    while place < len(text):
        stop = text.find("\n", place)
        stop = len(text) if stop < 0 else stop
        line = text[place:stop]
        if "|" not in line:
            break
        cells = _cells(line)[: len(columns)]
        rows.append(tuple(cell or None for cell in cells + [""] * (len(columns) - len(cells))))
        spans.append((place, stop))
        place = stop + 1
        if len(rows) == MOST_ROWS:
            yield Rows(name, columns, rows, spans)
            rows, spans = [], []
    if rows:
        yield Rows(name, columns, rows, spans)


def _cells(line: str) -> list[str]:
    line = line.strip().replace("\\|", "\0")
    return [_plain(cell.replace("\0", "|")) for cell in line.removeprefix("|").removesuffix("|").split("|")]


def _plain(text: str) -> str:
    """Words without the marks of links, emphasis and code, and without HTML."""
    text = text.strip()
    if "<" in text:
        text = _HTML.sub(_shown, text)
    if "&" in text:
        text = unescape(text).replace("\N{NO-BREAK SPACE}", " ")
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    return _EMPHASIS.sub("", _STRONG.sub(r"\1", text)).replace("`", "").strip()


def _shown(html: re.Match[str]) -> str:
    """What a reader sees of a piece of HTML: nothing, but for line breaks; all of code."""
    return html[1] or (" " if (html[2] or "").lower() in _BREAKS else "")


def _comments(text: str) -> list[tuple[int, int]]:
    """The comments of HTML in the text."""
    found: list[tuple[int, int]] = []
    place = 0
    while (start := text.find("<!--", place)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            break
        found.append((start, end))
        place = end + 3
    return found


def _title(text: str, fields: Mapping[str, Cell], outline: list[Heading], suffix: str) -> str:
    named = next((str(value) for label, value in fields.items() if label.lower() == "title"), "")
    if not named and suffix in ("tex", "ltx", "latex"):
        match = _TEX_TITLE.search(text[:MOST_MATTER])
        named = match[1] if match else ""
    if not named and outline:
        named = min(outline[:5], key=lambda heading: heading.level).title
    return " ".join(named.split())[:_LONGEST_TITLE]


FORMAT = Format(
    "markdown",
    frozenset("md markdown mdx mdown mkd qmd rst rest tex ltx latex adoc asciidoc org".split()),
    read,
    version=3,
    prose=True,
)
