"""The coverage-guided fuzzer of the readers: `python -m tests.collection.fuzz_readers FOLDER [libFuzzer's options]`.

Needs atheris (`pip install atheris`). The first byte of an input chooses the form, the rest is the file. What a reader
raises has to be Unreadable, what it gives has to be text that can be shown; libFuzzer itself tells what takes too long
(`-timeout=20`) or too much memory. The folder collects what covers anything new, beginning with the corpus below.
`-max_total_time=1800` ends it after half an hour.
"""

import hashlib
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["rlm_local.collection"]):
    from rlm_local.collection.errors import Unreadable
    from rlm_local.collection.formats import FORMATS, format_of
    from rlm_local.collection.formats.part import Rows, Text
    from rlm_local.collection.formats.source import Source
    from rlm_local.collection.safe import cleaned

SUFFIXES = sorted(suffix for form in FORMATS for suffix in form.suffixes)

_CORPUS = {
    "csv": b"name;amount\n\"a;b\";1,5\nc;-\n",
    "json": b'{"a": [1, 2.5e3, null, "x"], "b": {"c": true}}\n{"a": 1}\n',
    "yaml": b"- &a {b: 1, 'c': [d, ~]}\n- <<: *a\n  e: |\n    f\n--- # g\n? h\n: !!i \"j\"\n",
    "html": b"<h1>A</h1><table><tr><th>b<td>c</table><p>d<!-- e --><ul><li>f",
    "eml": b"From: a@b\nSubject: =?utf-8?q?c?=\nContent-Type: multipart/mixed; boundary=d\n\n--d\n\ne\n--d--\n",
    "md": b"---\na: b\n---\n# c\n\n| d | e |\n|---|---|\n| f | g |\n\n```py\nh\n```\n- i\n",
    "log": b"2026-01-02T03:04:05Z host app[1]: opened 5 for a\n2026-01-02T03:04:06Z host app[1]: closed 5\n",
    "txt": b"1. One\n\nName: Ada\nTotal: 5 EUR\n\nA.  b    c\n    d    e\n",
    "py": b"import a\n\nclass B:\n    'c'\n    def d(self, e=1): return f'{e}'\n",
    "rtf": b"{\\rtf1\\ansi a\\par \\'e9\\u8364? {\\b c}}",
}  # fmt: skip


def corpus() -> list[bytes]:
    """An input for each form of text."""
    return [bytes([SUFFIXES.index(suffix) % 256]) + data for suffix, data in _CORPUS.items() if suffix in SUFFIXES]


def read(data: bytes) -> None:
    """Reads a file of a form as a collection does.

    Raises:
        AssertionError: something that cannot be shown was given as text.
        Exception: the reader raised what it must not.
    """
    if not data:
        return
    name = f"fuzzed.{SUFFIXES[data[0] % len(SUFFIXES)]}"
    form = format_of(name, data[1:])
    if form is None:
        return
    try:
        for part in form.read(Source(name, data[1:])):
            if isinstance(part, Text):
                shown = cleaned(part.text)
                assert shown == cleaned(shown)
                assert "\0" not in shown
            elif isinstance(part, Rows):
                assert all(len(row) <= len(part.columns) for row in part.rows)
    except (Unreadable, RecursionError):  # nested too deep costs one file, and says so
        return


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for data in corpus():
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
