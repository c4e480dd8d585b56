"""Source code: its text under the definitions it stands in, and what it defines, imports and calls as tables."""

import re
from collections.abc import Iterator, Sequence

from rlm_local.collection.errors import Needs, Unreadable
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.part import Document, Note, Part, Text
from rlm_local.collection.formats.program import grammar, python
from rlm_local.collection.formats.program.thing import Class, Function, Thing, tables
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.source import Source

LANGUAGES = {
    "py": "python", "pyi": "python", "pyw": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript",
    "jsx": "javascript", "ts": "typescript", "mts": "typescript", "cts": "typescript", "tsx": "tsx", "java": "java",
    "kt": "kotlin", "scala": "scala", "go": "go", "rs": "rust", "c": "c", "h": "c", "cc": "c++", "cpp": "c++",
    "cxx": "c++", "hh": "c++", "hpp": "c++", "hxx": "c++", "cs": "c#", "swift": "swift", "php": "php", "rb": "ruby",
    "lua": "lua", "sh": "shell", "bash": "shell", "zsh": "shell", "pl": "perl", "pm": "perl", "r": "r", "jl": "julia",
    "dart": "dart", "css": "css", "scss": "css", "ps1": "powershell", "bat": "batch", "asm": "assembler",
}  # fmt: skip
"""By suffix. Without a grammar of its own a file is text that is called code."""

_PROGRAMS = {"python": "python", "node": "javascript", "bash": "shell", "sh": "shell", "perl": "perl", "ruby": "ruby"}
_LARGEST = 2 << 20
_LARGEST_PYTHON = 1 << 19
"""Characters that are parsed: a tree takes hundreds of times as much."""
_MOST_TOKENS = 150_000
"""Words and signs that are parsed: what a tree takes to be gone through goes by them."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_CPLUSPLUS = re.compile(r"^\s{0,40}(?:class|namespace|template|using)\b", re.MULTILINE)
_CALLED = re.compile(rb"#!\s{0,9}\S{0,200}/(?:env\s{1,9}(?:-S\s{1,9})?)?([a-z]{1,20})")


def read(source: Source) -> Iterator[Part]:
    """The parts of a file of code.

    Raises:
        Unreadable: it is no text.
    """
    if source.size > 8 * _LARGEST:
        yield Document(kind="code", fields={"language": _shown(LANGUAGES.get(source.suffix, ""))})
        yield from map(Text, source.pieces())
        yield Note("too large for its definitions to be told")
        return
    text = clean(source.text)
    language = _language(source.suffix, text)
    yield Document(kind="code", fields={"language": _shown(language)})
    found: list[Thing] = []
    problem = ""
    if language == "python" or language in grammar.GRAMMARS:
        largest = _LARGEST_PYTHON if language == "python" else _LARGEST
        if len(text) > largest or len(_TOKEN.findall(text)) > _MOST_TOKENS:
            problem = "too large for its definitions to be told"
        else:
            try:
                found = list(python.things(text) if language == "python" else grammar.things(text, language))
            except Needs as needed:
                problem = f"its definitions are not told: {needed}"
            except Unreadable as broken:
                problem = str(broken)
    yield from _stretches(text, found)
    yield from tables(found)
    if problem:
        yield Note(problem)


def _language(suffix: str, text: str) -> str:
    if suffix in LANGUAGES:
        language = LANGUAGES[suffix]
        return "c++" if suffix == "h" and _CPLUSPLUS.search(text) else language
    called = _CALLED.match(text[:300].encode("utf-8", "replace"))
    return _PROGRAMS.get(called[1].decode() if called else "", "")


def _shown(language: str) -> str | None:
    return {"tsx": "typescript"}.get(language, language) or None


def _stretches(text: str, found: Sequence[Thing]) -> Iterator[Text]:
    """The text, cut where functions and classes begin and end, each piece under the innermost one."""
    definitions = [each for each in found if isinstance(each, Function | Class)]
    definitions.sort(key=lambda each: (each.start, -each.end))
    around: list[Function | Class] = []
    at = 0
    for begins in (*definitions, None):
        place = begins.start if begins else len(text)
        while around and around[-1].end <= place:
            inner = around.pop()
            yield from _stretch(text, at, inner.end, inner.qualified_name)
            at = max(at, inner.end)
        yield from _stretch(text, at, place, around[-1].qualified_name if around else "")
        at = max(at, place)
        if begins:
            around.append(begins)


def _stretch(text: str, start: int, end: int, heading: str) -> Iterator[Text]:
    if end > start:
        yield Text(text[start:end], heading)


def _sniff(head: bytes) -> bool:
    called = _CALLED.match(head)
    return called is not None and called[1].decode() in _PROGRAMS


FORMAT = Format("code", frozenset(LANGUAGES), read, _sniff)
