"""What a question names that a program for it has to name, too: tables, columns that are marks, and years."""

import re
from collections.abc import Sequence

from rlm_local.collection import Column, Table
from rlm_local.collection.values import MOST_WORDS, akin, fold

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_TEXT = re.compile(r"""(?<!\[)(?:'[^']*'|"[^"]*")""")
"""A text in a program that is no key, as row['seats'] has one."""

_WORD = 4
"""Letters of a word that can name a table."""


def named_tables(tables: Sequence[Table], question: str) -> tuple[str, ...]:
    """Tables of records with a word in their name that the question has, in any form."""
    return tuple(table.name for table in tables if table.of_records and any(_heard(table.name, question)))


def wholly_named(tables: Sequence[Table], question: str) -> tuple[str, ...]:
    """Those of which the question has all words: women_stem is not named by "women" alone."""
    heard = ((table.name, _heard(table.name, question)) for table in tables if table.of_records)
    return tuple(name for name, words in heard if words and all(words))


def named_marks(tables: Sequence[Table], question: str) -> tuple[str, ...]:
    """Columns of which the question has all words, and whose values only mark a row: what is asked of is marked by
    them, and is not to be looked for in texts."""
    marks = {column.name for table in tables if table.of_records for column in table.columns if _is_mark(column)}
    heard = ((name, _heard(name, question)) for name in sorted(marks))
    return tuple(name for name, words in heard if words and all(words))


def _is_mark(column: Column) -> bool:
    return column.type == "flag" or (
        column.type == "number" and {column.least, column.greatest} == {0, 1} and column.distinct == 2
    )


def _heard(name: str, question: str) -> list[bool]:
    """Of each word in a name, whether the question has it."""
    asked = re.findall(r"[^\W\d_]+", fold(question))[:MOST_WORDS]
    words = [word for word in name.split("_") if len(word) >= _WORD]
    return [any(word == other or akin(word, other) for other in asked) for word in words]


def years(question: str) -> tuple[str, ...]:
    """The years that stand in a question as words of their own, as 2020s does not."""
    return tuple(word for word in re.findall(r"\w+", question) if _YEAR.fullmatch(word))


def years_in(program: str) -> frozenset[str]:
    """The years that a program names, in a name of a column, too, as margin_2020."""
    return frozenset(_YEAR.findall(program))


def unused(named: Sequence[str], program: str) -> tuple[str, ...]:
    """What of that a program does not name; a word in a text that it looks for names no table or column."""
    words = years_in(program).union(re.findall(r"\w+", _TEXT.sub("", program.lower())))
    return tuple(name for name in named if name not in words)
