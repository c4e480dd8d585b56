"""Hostile repeats, for every reader: four times the file costs about four times the time and the memory."""

import gzip
import io
import itertools
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from _pytest.mark import ParameterSet

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import FORMATS, format_of
from rlm_local.collection.formats.source import Source
from rlm_local.collection.reading import Reading
from rlm_local.collection.spool import Again, Spool
from tests.doubling import ENVELOPE, MAIL, STAMP, TEXTS, Maker, again, check_memory, check_time, nested

_BYTES = 1 << 13
"""Of the smaller file, in the usual run."""
_MANY = 1 << 15
"""Of it where there is time."""


def wide(delimiter: str) -> Maker:
    """A header of ever more columns, and one row."""

    def make(size: int) -> bytes:
        count = size // 8
        labels = delimiter.join(f"c{number}" for number in range(count))
        return f"{labels}\n{delimiter.join('1' * count)}\n".encode()

    return make


def indented(size: int) -> bytes:
    """Python in Python, as deep as it may be, again and again."""
    block = "".join(f"{' ' * depth}def f{depth}():\n" for depth in range(60)) + " " * 60 + "pass\n"
    return (block * (size // len(block))).encode()


def within(name: str, making: Maker, **parts: str) -> Maker:
    """A package with a part that is made, and some others."""

    def make(size: int) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as package:
            for part, text in parts.items():
                package.writestr(part, text)
            package.writestr(name, making(size))
        return stream.getvalue()

    return make


def wrapped(before: str, making: Maker, after: str) -> Maker:
    return lambda size: before.encode() + making(size) + after.encode()


def zipped(size: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(size // 100):
            archive.writestr(f"{number}.txt", "a")
    return stream.getvalue()


def tarred(size: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for number in range(size // 1024):
            member = tarfile.TarInfo(f"{number}.txt")
            member.size = 1
            archive.addfile(member, io.BytesIO(b"a"))
    return stream.getvalue()


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "table")
)


def word(making: Maker) -> Maker:
    document = wrapped(f'<w:document xmlns:w="{W}"><w:body>', making, "</w:body></w:document>")
    return within("word/document.xml", document, **{"[Content_Types].xml": "<Types/>"})


def open_text(making: Maker) -> Maker:
    content = wrapped(f"<office:document-content {ODF}><office:body><office:text>", making,
                      "</office:text></office:body></office:document-content>")  # fmt: skip
    return within("content.xml", content, mimetype="application/vnd.oasis.opendocument.text")


def sheet(making: Maker) -> Maker:
    """A workbook whose one sheet has rows that are made."""
    stream = io.BytesIO()
    openpyxl.Workbook().save(stream)
    with zipfile.ZipFile(stream) as made:
        parts = {name: made.read(name).decode() for name in made.namelist()}
    name = "xl/worksheets/sheet1.xml"
    before, _, after = parts.pop(name).partition("<sheetData></sheetData>")
    return within(name, wrapped(f"{before}<sheetData>", making, f"</sheetData>{after}"), **parts)


def book(making: Maker) -> Maker:
    return within("a.xhtml", making, **{
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>',
        "b.opf": '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>',
    })  # fmt: skip


def paper(making: Maker) -> Maker:
    """A PDF of one page; its place table is for the library to mend."""

    def make(size: int) -> bytes:
        drawn = making(size)
        return (
            b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
            b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
            b"endobj\n4 0 obj<</Length %d>>stream\n%s\nendstream endobj\n"
            b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF"
            % (len(drawn), drawn)
        )

    return make


OWN: dict[str, dict[str, Maker]] = {
    "csv": {
        "wide header": wide(","),
        "widths": again("a,b\n1,2\na,b,c\n1,2,3\n"),
        "open quotes": again('a,"b\n', "x,y\n1,2\n"),
        "quotes in quotes": again('"a""",'),
    },
    "json": {
        "new keys": lambda size: b"".join(b'{"k%d":1}\n' % number for number in range(size // 10)),
        "one object": again('"k%d":1,', "{"),
        "records in records": again('{"a":[{"b":%d}]}\n'),
        "depth": nested('{"a":[', "]}"),
        "lists": again("[", '{"a":1}\n'),
    },
    "yaml": {
        "records": again("- {a: %d, b: [1, 2]}\n"),
        "new keys": again("k%d: 1\n"),
        "members": again("k%d: {a: 1, b: 2}\n"),
        "documents": again("--- {a: %d}\n"),
        "aliases": again("- *a\n", "- &a {b: [1, 2, 3]}\n"),
        "anchors": again("- &a%d b\n"),
        "merges": again("- {<<: [*a, *a]}\n", "- &a {b: 1, c: 2}\n"),
        "tags": again("%%TAG !a%d! b\n"),
        "depth": nested("[", "]"),
        "columns": wrapped("a: [", again("1,"), "]\n"),
    },
    "toml": {
        "tables": again("[[a]]\nb = %d\n"),
        "tables in tables": again("[[a]]\n[[a.b]]\nc = %d\n"),
        "new tables": again("[a%d]\nb = 1\n"),
        "new keys": again("k%d = 1\n"),
        "deep names": again("a.", "["),
        "deep key": again("a.", "a = 1\n"),
        "depth": nested("[", "]", "a = "),
        "columns": wrapped("a = [", again("1,"), "]\n"),
        "members": again("a%d = {b = 1, c = 2}\n"),
        "open text": again('\\"', 'a = """'),
    },
    "pdf": {
        "states": paper(again("q ")),
        "letters": paper(wrapped("BT /F1 9 Tf ", again("1 0 0 1 %d 9 Tm (a) Tj "), "ET")),
        "lines": paper(again("%d 0 m %d 9 l S ", "BT /F1 9 Tf 9 9 Td (some words of text) Tj ET ")),
        "dictionaries": paper(again("/A <</B ")),
    },
    "image": {"no picture": lambda size: b"\x89PNG\r\n\x1a\n" + b"\0" * size},
    "word": {
        "paragraphs": word(again("<w:p><w:r><w:t>a%d</w:t></w:r></w:p>")),
        "runs": word(wrapped("<w:p>", again("<w:r><w:t>a</w:t></w:r>"), "</w:p>")),
        "rows": word(wrapped("<w:tbl>", again("<w:tr><w:tc><w:p/></w:tc></w:tr>"), "</w:tbl>")),
        "cells": word(wrapped("<w:tbl><w:tr>", again("<w:tc><w:p/></w:tc>"), "</w:tr></w:tbl>")),
        "changes": word(wrapped("<w:p>", again("<w:ins><w:r><w:t>a</w:t></w:r></w:ins>"), "</w:p>")),
    },
    "slides": {"no slides": within("ppt/presentation.xml", again("<a/>"), **{"[Content_Types].xml": "<Types/>"})},
    "opendocument": {
        "paragraphs": open_text(again("<text:p>a%d</text:p>")),
        "spaces": open_text(again('<text:p><text:s text:c="9"/></text:p>')),
        "cells": open_text(
            wrapped("<table:table><table:table-row>", again("<table:table-cell/>"), "</table:table-row></table:table>")
        ),
    },
    "book": {"paragraphs": book(again("<p>a%d")), "headings": book(again("<h1>a</h1>"))},
    "spreadsheet": {
        "rows": sheet(again('<row><c t="inlineStr"><is><t>a%d</t></is></c></row>')),
        "cells": sheet(wrapped("<row>", again("<c><v>%d</v></c>"), "</row>")),
        "blank rows": sheet(again("<row/>")),
    },
    "outlook": {"no message": lambda size: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * size},
    "richtext": {
        "groups": nested("{\\b ", "}", "{\\rtf1 "),
        "paragraphs": again("\\par ", "{\\rtf1 "),
        "letters": again("\\'41", "{\\rtf1 "),
        "destinations": again("{\\*\\a ", "{\\rtf1 "),
    },
    "mail": {
        "headers": again("Received: a\n", MAIL),
        "depth": again("Content-Type: multipart/mixed; boundary=a\n\n--a\n", MAIL),
        "messages": again("Content-Type: message/rfc822\n\n", MAIL),
        "parameters": again("; a%d*%d*=b", f"{MAIL}Content-Type: text/plain"),
        "words": again("=?utf-8?q?a?= ", f"{MAIL}Cc: "),
        "markup": again("<table><tr><td>", f"{MAIL}Content-Type: text/html\n\n"),
        "soft ends": again("=\n", f"{MAIL}Content-Transfer-Encoding: quoted-printable\n\n"),
    },
    "mailbox": {
        "messages": again(f"{ENVELOPE}{MAIL}\nhi\n\n"),
        "envelopes": again(ENVELOPE, f"{ENVELOPE}{MAIL}\n"),
        "escaped": again(">From a\n", f"{ENVELOPE}{MAIL}\n"),
    },
    "html": {
        "cells": again("<table><tr><td>"),
        "attributes": again(" a%d=b", "<a"),
        "items": again("<ul><li>"),
        "spans": again("<td colspan=999 rowspan=999>", "<table><tr>"),
        "entities": again("&amp"),
        "scripts": again("<script>"),
        "headings": again("<h1>a</h1>"),
    },
    "xml": {
        "depth": again("<a>"),
        "records": wrapped("<r>", again("<a><b>1</b></a>"), "</r>"),
        "new names": wrapped("<r>", again("<a%d/>"), "</r>"),
        "new parts": wrapped("<r>", again("<a><b%d>1</b%d></a>"), "</r>"),
        "mixed": wrapped("<r>", again("a<b/>"), "</r>"),
        "attributes": wrapped("<r", again(" a%d='b'"), "/>"),
        "deep records": wrapped("<r>" * 50, again("<a><b/></a>"), "</r>" * 50),
    },
    "code": {
        "nesting": indented,
        "definitions": again("def f%d(a):\n return g(a)\n"),
        "annotations": again("a: b\n"),
        "globals": again("def f%d():\n global x%d\n x%d = 1\n"),
        "sums": again("+1", "x = 1"),
        "decorators": again("@a\n"),
        "negations": again("not ", "x = "),
        "lambdas": again("lambda: "),
    },
    "zip": {"files": zipped},
    "tar": {"files": tarred},
    "compressed": {
        "digits": lambda size: gzip.compress(b"0" * size),
        "keys": lambda size: gzip.compress(again("k%d: a\n")(size)),
    },
    "log": {
        "pairs": again(f"{STAMP} INFO k%d=%d\n"),
        "words": again(f"{STAMP} INFO w%d x%d y%d\n"),
        "brackets": again("[a] ", f"{STAMP} [main] up\n" * 9 + STAMP),
        "requests": again('10.0.0.1 - - [10/Oct/2023:13:55:36 -0700] "GET /%d HTTP/1.1" 200 23\n'),
        "open requests": again('10.0.0.1 - - [10/Oct/2023:13:55:36 -0700] "'),
        "fields": again("#Fields: a b%d\n1 2\n"),
        "logfmt": again("a=1 b%d=2 c=3\n"),
        "open pairs": again('a="\\', "a=1 b=2 c=3\n" * 9),
        "levels": again("INFO a%d\n"),
    },
    "markdown": {
        "tables": again("|a|b|\n|-|-|\n|1|2|\n"),
        "wide table": wide("|"),
        "dashes": again("|-", "|a|b|\n"),
        "front matter": again("a%d: b\n", "---\n"),
        "headings in headings": again("# a\n## b\n### c\n"),
    },
    "text": {
        "chapters": again("CHAPTER %d\n\ntext\n\n"),
        "records": again("Name: a%d\nAge: 3\n\n"),
        "new records": again("Key%d: a\n\n"),
        "columns": again("a   b   c\n"),
    },
}
"""For each reader, by its format's name."""

NAMES = {
    "csv": ("a.csv", "a.tsv"), "json": ("a.json", "a.jsonl"), "code": ("a.py", "a.js", "a.c"), "mail": ("a.eml",),
    "mailbox": ("a.mbox",), "html": ("a.html",), "xml": ("a.xml",), "log": ("a.log",), "richtext": ("a.rtf",),
    "markdown": ("a.md", "a.rst", "a.tex"), "text": ("a.txt", "a.srt"), "pdf": ("a.pdf",), "image": ("a.png",),
    "word": ("a.docx",), "slides": ("a.pptx",), "opendocument": ("a.odt",), "book": ("a.epub",),
    "spreadsheet": ("a.xlsx",), "yaml": ("a.yaml",), "toml": ("a.toml",),
    "outlook": ("a.msg",), "zip": ("a.zip",), "tar": ("a.tar",), "compressed": ("a.gz",),
}  # fmt: skip
BINARY = frozenset(
    ("pdf", "image", "word", "slides", "opendocument", "book", "spreadsheet", "outlook", "zip", "tar", "compressed")
)


def take(name: str, path: Path, data: bytes) -> None:
    """All that is done with a file in the process that reads it."""
    form = format_of(name, data)
    assert form is not None
    path.unlink(missing_ok=True)
    spool = Spool(path)
    imposed: Mapping[int, Mapping[str, Reading]] = {}
    try:
        for _ in range(4):
            try:
                spool.read(1, name, form.read(Source(name, data)), imposed)
                break
            except Again as anew:
                imposed = {**imposed, **anew.readings}
    except (Unreadable, RecursionError):
        pass  # it costs itself only
    finally:
        spool.close()


def cases(*, own: bool) -> Iterator[ParameterSet]:
    for form, names in NAMES.items():
        makers = OWN[form] if own else ({} if form in BINARY else TEXTS)
        for name, (called, make) in itertools.product(names[: 1 if own else None], makers.items()):
            yield pytest.param(name, make, id=f"{name} {called}")


def test_every_reader_is_looked_at() -> None:
    assert {form.name for form in FORMATS} == OWN.keys() == NAMES.keys()
    for form, names in NAMES.items():
        for name in names:
            found = format_of(name, b"")
            assert found is not None
            assert found.name == form


@pytest.mark.parametrize(("name", "make"), list(cases(own=True)))
def test_time_and_memory_grow_with_the_file(name: str, make: Maker, tmp_path: Path) -> None:
    work = partial(take, name, tmp_path / "spool")
    check_time(work, make, _BYTES)
    check_memory(work, make, _BYTES // 4)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "make"), [*cases(own=True), *cases(own=False)])
def test_whatever_comes_again_costs_what_it_is_long(name: str, make: Maker, tmp_path: Path) -> None:
    work = partial(take, name, tmp_path / "spool")
    check_time(work, make, _MANY)
    check_memory(work, make, _MANY // 4)
