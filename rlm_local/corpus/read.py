"""One file's bytes to text and tables: its form by its name, and by its look where the name does not tell."""

import re
from pathlib import PurePosixPath

from rlm_local.collection.decode import Binary, Decoded, decode, normalised
from rlm_local.corpus import code, jsonish, log, mail, markdown, markup, rows, text
from rlm_local.corpus.field import field_name
from rlm_local.corpus.labels import pieces
from rlm_local.corpus.table import Reading

_KINDS = {
    **dict.fromkeys(code.LANGUAGES, "code"),
    **dict.fromkeys(("csv", "psv"), "csv"),
    **dict.fromkeys(("tsv", "tab"), "tsv"),
    **dict.fromkeys(("json", "geojson"), "json"),
    **dict.fromkeys(("jsonl", "ndjson"), "jsonl"),
    **dict.fromkeys(("md", "markdown"), "markdown"),
    **dict.fromkeys(("html", "htm", "xhtml"), "html"),
    "log": "log",
    "eml": "email",
    "mbox": "mbox",
}
_UNTOLD = frozenset(("", "txt", "text", "dat", "out", "data", "asc", "lst"))
_MESSAGE = re.compile(rb"\A(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*){3,}")
_SIGN_OF_MAIL = re.compile(rb"(?im)^(?:message-id|mime-version|received|x-mailer|return-path):")
_SHEBANG = re.compile(r"#!\S*/(?:env )?(python|bash|sh|perl|ruby|node)")
_SHEBANGS = {"node": "javascript", "sh": "shell", "bash": "shell"}


def read(name: str, content: bytes | str) -> tuple[Decoded, Reading] | Binary:
    """A file's text and what is in it; `content` is its bytes, or text that is decoded already.

    The text of mail and HTML is what a reader of it sees.
    """
    path = PurePosixPath(name)
    data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    suffix = path.suffix.lstrip(".").lower()
    told = "" if suffix in _UNTOLD else _KINDS.get(suffix, "")
    item_name = field_name(path.stem)
    if told == "mbox" or (not told and data.startswith(b"From ") and b"\nFrom: " in data[:10_000]):
        readable, reading = mail.read_mailbox(data, item_name)
        return Decoded(readable, "message"), reading
    head = data[:20_000].replace(b"\r\n", b"\n")
    if told == "email" or (not told and _MESSAGE.match(head) and _SIGN_OF_MAIL.search(head.partition(b"\n\n")[0])):
        readable, reading = mail.read(data, item_name)
        return Decoded(readable, "message"), reading
    decoded = decode(content) if isinstance(content, bytes) else normalised(data.decode(), "utf-8")
    if isinstance(decoded, Binary):
        return decoded
    kind = told or _kind(decoded.text)
    if kind == "html":
        decoded = Decoded(markup.readable(decoded.text), decoded.encoding, decoded.mended)
    reading = _reading(decoded.text, kind, item_name, suffix)
    if decoded.mended:
        reading.problems.append((0, decoded.mended))
    return decoded, reading


def _reading(content: str, kind: str, name: str, suffix: str) -> Reading:
    if kind in ("csv", "tsv"):
        return rows.read(content, name, "\t" if suffix in ("tsv", "tab") and "\t" in content else "")
    if kind == "jsonl":
        return jsonish.read_lines(content, name)
    if kind == "json":
        return _json(content, name)
    if kind == "markdown":
        return markdown.read(content, name)
    if kind == "log":
        return log.read(content, name)
    if kind == "code":
        shebang = _SHEBANG.match(content)
        language = _SHEBANGS.get(shebang[1], shebang[1]) if shebang else ""
        return code.read(content, name, code.LANGUAGES.get(suffix) or language)
    reading = text.read(content, name)
    reading.kind = kind
    return reading


def _json(content: str, name: str) -> Reading:
    """JSON; JSON Lines under the wrong name; or text, where it is neither."""
    reading = jsonish.read(content, name)
    if not reading.problems:
        return reading
    lines = jsonish.read_lines(content, name)
    if len(lines.problems) * 2 <= content.count("\n") and any(table.columns for table in lines.tables):
        return lines
    fallback = text.read(content, name)
    return Reading("json", fallback.tables, reading.problems)


def _kind(content: str) -> str:
    """The form of a text whose name does not tell it."""
    head = content[:60_000].lstrip()
    if _SHEBANG.match(head):
        return "code"
    if head[:1] == "{" and re.match(r"\{[^\n]*\}[ \t]*\n\{", head):
        return "jsonl"
    if (head[:1], content.rstrip()[-1:]) in (("{", "}"), ("[", "]")) and not jsonish.read(content, "").problems:
        return "json"
    if re.match(r"(?i)<!doctype html|<html", head):
        return "html"
    if log.is_log(content):
        return "log"
    if _is_table(head):
        return "csv"
    return "markdown" if markdown.looks_so(content) else "text"


def _is_table(head: str) -> bool:
    """Whether all of a text's first lines are cut into equally many cells by one delimiter."""
    lines = [line for line in head.split("\n")[:40] if line.strip()][:-1]
    if sum(bool(pieces(line)) for line in lines) > 0.5 * len(lines):
        return False
    for delimiter in rows.DELIMITERS if len(lines) >= 3 else ():
        counts = {line.count(delimiter) for line in lines}
        if len(counts) == 1 and counts.pop() >= (2 if delimiter in ",;|" else 1):
            spaced = sum(f"{delimiter} " in line for line in lines)
            return delimiter != "," or spaced < 0.5 * len(lines)
    return False
