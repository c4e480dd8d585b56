"""Names of tables and columns that SQL takes as they are, made from labels that may be anything."""

import re
import unicodedata
from collections.abc import Container

LONGEST = 40

_KEYWORDS = frozenset(
    "abort action add after all alter always analyze and as asc attach autoincrement before begin between by cascade "
    "case cast check collate column commit conflict constraint create cross current current_date current_time "
    "current_timestamp database default deferrable deferred delete desc detach distinct do drop each else end escape "
    "except exclude exclusive exists explain fail filter first following for foreign from full generated glob group "
    "groups having if ignore immediate in index indexed initially inner insert instead intersect into is isnull join "
    "key last left like limit match materialized natural no not nothing notnull null nulls of offset on or order "
    "others outer over partition plan pragma preceding primary query raise range recursive references regexp reindex "
    "release rename replace restrict returning right rollback row rows savepoint select set table temp temporary then "
    "ties to transaction trigger true false unbounded union unique update using vacuum values view virtual when where "
    "window with without".split()
)
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LETTERS = {"ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "œ": "oe", "þ": "th"}
_CAPITALS = {letter.upper(): spelled.title() for letter, spelled in _LETTERS.items() if letter != "ß"}
_SPELLED = str.maketrans({**_LETTERS, **_CAPITALS, "ẞ": "SS", "%": " percent "})


def plain(label: str) -> str:
    """A label in lower snake case, Latin letters without accents; empty where it has no letters or digits.

    Other scripts are kept: SQL and Python take them in names, and a model reads them.
    """
    text = _BOUNDARY.sub("_", "".join(map(_bare, unicodedata.normalize("NFKC", label[:200].translate(_SPELLED)))))
    words = "".join(c if f"a{c}".isidentifier() else "_" for c in text.lower()).split("_")
    return "_".join(filter(None, words))[:LONGEST].rstrip("_")


def _bare(character: str) -> str:
    """A Latin letter without its accents; any other character as it is."""
    letter = unicodedata.normalize("NFKD", character)[:1]
    return letter if letter.isascii() else character


def identifier(label: str, taken: Container[str], otherwise: str = "value") -> str:
    """A name for a label that none of `taken` has."""
    name = plain(label) or otherwise
    if not name.isidentifier():
        name = f"n{name}"[:LONGEST]
    if name in _KEYWORDS:
        name = f"{name}_"
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name[: LONGEST - len(str(number)) - 1]}_{number}"
    return unique


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever it is."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def stem(name: str) -> str:
    """A name in lower snake case without numbers and dates: "visits_2023" is "visits"."""
    return "_".join(word for word in name.split("_") if word and not any(c.isdigit() for c in word))


def base_name(name: str) -> str:
    """A file's own name, without its folder and what comes after the last dot."""
    return name.rpartition("/")[2].rpartition(".")[0] or name
