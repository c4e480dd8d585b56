"""HTML: text as a reader of the page sees it, headings, tables as tables; no scripts and no styles.

The parsers there are (lexbor, libxml2, html.parser) take quadratic time for tags that are never closed, or closed and
never opened. Reading needs no tree: this goes over the tags once and keeps the tables that are open.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import NamedTuple

from rlm_local.collection.decode import Binary, decode
from rlm_local.collection.formats.flow import BETWEEN, Flow, Table
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.mime import in_charset
from rlm_local.collection.formats.part import Cell, Document, Note, Part, Text
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.source import Source

MOST = 1 << 26
"""Bytes of a page that are read."""

_BLOCKS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form header "
    "hr html legend li main nav ol option p pre section select summary ul".split()
)
_CLOSE = frozenset("blockquote details div figure form ol p pre section ul dl article".split())  # a blank line after
_UNSEEN = frozenset(("template", "svg", "object", "iframe", "noframes", "canvas"))
_HIDEABLE = frozenset(("div", "span", "section", "table"))  # always closed where they are opened
_RAW = frozenset(("script", "style", "title", "textarea", "xmp"))  # no tags in them
_FIELDS = {"author": "author", "description": "description", "keywords": "keywords", "date": "date"}
_HIDDEN = re.compile(r"display\s{0,9}:\s{0,9}none", re.IGNORECASE)
_NAME = re.compile(r"[a-zA-Z][^\s/>]{0,60}")
_END = re.compile(r">|=\s{0,9}[\"']")
_ATTRIBUTE = re.compile(r"([^\s=/>\"']{1,60})\s{0,9}=\s{0,9}(?:\"([^\"]*)|'([^']*)|([^\s>\"']{1,2000}))")
_LONG_REFERENCE = re.compile(r"&#(?=\d{8}|[xX][0-9a-fA-F]{7})")
_CHARSET = re.compile(rb"(?:charset|encoding)\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_.:-]{2,40})")
_DEEPEST_TABLE = 30
_LONGEST_QUOTE = 1 << 16
_LONGEST_TAG = 1 << 12


class Tag(NamedTuple):
    """A tag: its name in lower case, whether it opens, and what stands behind its name."""

    name: str
    opens: bool
    rest: str

    def attribute(self, name: str) -> str:
        """Its first attribute of that name; empty where it has none."""
        found = (one for one in _ATTRIBUTE.finditer(self.rest) if one[1].lower() == name)
        return next((unescaped(one[2] or one[3] or one[4] or "") for one in found), "")


def tokens(html: str) -> Iterator[Tag | str]:
    """Tags and the texts between them, in order; the text of `title` and its like behind its tag; no comments."""
    at = 0
    while at < len(html):
        start = html.find("<", at)
        if start != at:
            yield html[at : start if start >= 0 else len(html)]
            if start < 0:
                return
        follows = html[start + 1 : start + 2]
        if html.startswith("<!--", start):
            end = html.find("-->", start + 2)
            at = end + 3 if end >= 0 else len(html)
        elif html.startswith("<![CDATA[", start):
            end = html.find("]]>", start)
            end = end if end >= 0 else len(html)
            yield html[start + 9 : end].replace("&", "&amp;")
            at = end + 3
        elif follows in ("!", "?"):
            end = html.find(">", start)
            at = end + 1 if end >= 0 else len(html)
        else:
            name = _NAME.match(html, start + 1 + (follows == "/"))
            if not name:
                yield "<"
                at = start + 1
                continue
            end = _end_of_tag(html, name.end())
            tag = Tag(name[0].lower(), follows != "/", html[name.end() : min(end, name.end() + _LONGEST_TAG)])
            yield tag
            at = end + 1
            if tag.opens and tag.name in _RAW and not tag.rest.endswith("/"):
                closing = re.compile(f"</{tag.name}", re.IGNORECASE).search(html, at)
                end = closing.start() if closing else len(html)
                yield html[at:end]
                at = end


def unescaped(text: str) -> str:
    """`text` with its character references read."""
    return unescape(_LONG_REFERENCE.sub("&amp;#", text)) if "&" in text else text


def readable(html: str) -> str:
    """The text of a page."""
    return "".join(part.text for part in Page(html).parts() if isinstance(part, Text)).strip()


def decoded(data: bytes) -> str:
    """The text of the bytes of a page, in the charset that it names, if it is in that."""
    named = _CHARSET.search(data[:4096])
    if named and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = in_charset(data, named[1].decode("ascii"))
        if text is not None:
            return text.removeprefix("\ufeff")
    found = decode(data)
    return data.decode("latin-1") if isinstance(found, Binary) else found.text


def _end_of_tag(html: str, at: int) -> int:
    """Where the ">" of a tag stands: one in the quotes of a value does not count."""
    first = -1
    while found := _END.search(html, at):
        if found[0] == ">":
            return found.start()
        end = html.find(html[found.end() - 1], found.end(), found.end() + _LONGEST_QUOTE)
        if end < 0:  # a quote that nothing closes
            first = html.find(">", at)
            return first if first >= 0 else len(html)
        at = end + 1
    return len(html)


@dataclass
class _Open:
    """A table that is being read; `layout`: it holds tables or headings, so its rows are lines of text."""

    table: Table = field(default_factory=Table)
    row: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    span: tuple[int, int] | None = None  # of the open cell
    layout: bool = False


class Page:
    """A page on its way to parts.

    Attributes:
        title, fields: what its head says, once its parts have been taken.
    """

    def __init__(self, html: str, flow: Flow | None = None) -> None:
        self.title = ""
        self.fields: dict[str, Cell] = {}
        self._html = html
        self._flow = flow or Flow()
        self._words: list[str] = []
        self._tables: list[_Open] = []
        self._level = 0  # of the open heading
        self._item = False
        self._pre = 0
        self._unseen = ""
        self._deep = 0

    def parts(self) -> Iterator[Part]:
        into = ""  # whose text follows
        for token in tokens(self._html):
            if isinstance(token, str):
                if into == "title":
                    self.title = self.title or " ".join(clean(unescaped(token)).split())
                elif into not in ("script", "style") and not self._unseen:
                    self._say(token)
                into = ""
            else:
                into = token.name if token.opens and token.name in _RAW else ""
                if self._unseen:
                    self._pass_over(token)
                elif token.opens and _is_unseen(token):
                    self._unseen, self._deep = token.name, 1
                else:
                    self._tag(token)
                if self._flow.ready:
                    yield from self._flow.parts()
        while self._tables:
            self._end_table()
        self._break()
        yield from self._flow.end()

    def _say(self, token: str) -> None:
        text = unescaped(token)
        self._words.append(text if self._pre else _collapsed(text))

    def _pass_over(self, tag: Tag) -> None:
        if tag.name == self._unseen:
            self._deep += 1 if tag.opens else -1
            self._unseen = self._unseen if self._deep else ""

    def _tag(self, tag: Tag) -> None:
        if tag.name == "br":
            self._words.append("\n")
        elif tag.name in ("td", "th", "tr", "table", "caption"):
            self._table_tag(tag)
        elif len(tag.name) == 2 and tag.name[0] == "h" and tag.name[1] in "123456":
            self._break()
            self._level = int(tag.name[1]) if tag.opens else 0
        elif tag.name in _BLOCKS:
            self._break("\n\n" if tag.name in _CLOSE else "\n")
            self._item = tag.opens and tag.name == "li"
            if tag.name == "pre":
                self._pre = max(0, self._pre + (1 if tag.opens else -1))
        elif tag.name == "meta" and tag.opens and len(self.fields) < len(_FIELDS):
            name, content = tag.attribute("name").lower(), " ".join(clean(tag.attribute("content")).split())
            if name in _FIELDS and content:
                self.fields[_FIELDS[name]] = content

    def _table_tag(self, tag: Tag) -> None:
        if tag.name == "table":
            if tag.opens:
                self._begin_table()
            elif self._tables:
                self._end_table()
        elif not self._tables:
            self._break()
        elif tag.name == "caption":
            if tag.opens:
                self._break()
            else:
                self._tables[-1].table.name = self._taken()
                self._flow.paragraph(self._tables[-1].table.name)
        else:
            top = self._tables[-1]
            self._end_cell()
            if tag.name == "tr":
                self._end_row()
            elif tag.opens:
                self._words.clear()
                top.span = (_number(tag.attribute("colspan")), _number(tag.attribute("rowspan")))

    def _begin_table(self) -> None:
        if self._tables:
            self._tables[-1].layout = True
        self._break()
        if self._tables:
            self._end_row()
            self._flow_table(self._tables[-1])
        if len(self._tables) < _DEEPEST_TABLE:
            self._tables.append(_Open())

    def _end_table(self) -> None:
        self._end_cell()
        self._end_row()
        self._flow_table(self._tables.pop())

    def _flow_table(self, top: _Open) -> None:
        if max((len(row) for row in top.table.rows), default=0) > 1:
            self._flow.table(top.table)
        else:
            for row in top.table.rows:
                self._flow.paragraph(row[0])
        top.table = Table()

    def _end_cell(self) -> None:
        top = self._tables[-1]
        if top.span:
            top.row.append((self._taken(), *top.span))
            top.span = None
        elif self._words:
            self._flow.paragraph(self._taken())

    def _end_row(self) -> None:
        top = self._tables[-1]
        if top.row and top.layout:
            self._flow.paragraph(BETWEEN.join(text for text, _, _ in top.row if text), "\n")
        elif any(text for text, _, _ in top.row):
            top.table.add(top.row)
        top.row = []

    def _taken(self) -> str:
        """The words since the last block or cell."""
        text = "".join(self._words)
        self._words.clear()
        return _tidy(text)

    def _break(self, end: str = "\n") -> None:
        """End a paragraph, which is a line within a cell."""
        top = self._tables[-1] if self._tables else None
        if top and top.span and not top.layout:
            if self._level:
                top.layout = True
            else:
                self._words.append("\n")
                return
        if not self._words:
            return
        text = "".join(self._words) if self._pre else _tidy("".join(self._words))
        self._words.clear()
        if self._level and text:
            self._flow.heading(self._level, text)
        elif text.strip():
            self._flow.paragraph(f"- {text}" if self._item else text, end)
        if text:
            self._item = False


def read(source: Source) -> Iterator[Part]:
    """The parts of a page."""
    page = Page(decoded(source.open().read(MOST)))
    parts = list(page.parts())
    yield Document(title=page.title, kind="web", fields=page.fields)
    yield from parts
    if source.size > MOST:
        yield Note(f"only the first {MOST >> 20} MB are read")


def _is_unseen(tag: Tag) -> bool:
    if tag.name in _HIDEABLE:
        return "style" in tag.rest and bool(_HIDDEN.search(tag.attribute("style")))
    return tag.name in _UNSEEN and not tag.rest.endswith("/")


def _collapsed(text: str) -> str:
    """Runs of blanks as one."""
    words = " ".join(text.split())
    if not words:
        return " " if text else ""
    return " " * text[0].isspace() + words + " " * text[-1].isspace()


def _tidy(text: str) -> str:
    """Lines without blanks around them, at most one blank between words, no blank lines."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _number(said: str) -> int:
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 5 else 1


def _is_page(head: bytes) -> bool:
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in start[:512]


FORMAT = Format("html", frozenset(("html", "htm", "xhtml", "xht")), read, _is_page, prose=True)
