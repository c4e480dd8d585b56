"""What a question names that a program for it has to name, too: tables, columns that are marks, and years."""

import re
from collections.abc import Iterable, Sequence

from rlm_local.collection import Column, Table
from rlm_local.collection.values import MOST_WORDS, fold, in_any_form

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_TEXT = re.compile(r"""(?<!\[)(?:'[^']*'|"[^"]*")""")
"""A text in a program that is no key, as row['seats'] has one."""

_WORD = 4
"""Letters of a word that can name a table."""


def named_tables(tables: Sequence[Table], question: str) -> tuple[str, ...]:
    """Tables of records with a word in their name that the question has, in any form."""
    asked = _words_of(question)
    return tuple(table.name for table in tables if table.of_records and any(_heard(table.name, asked)))


def wholly_named(tables: Sequence[Table], question: str) -> tuple[str, ...]:
    """Tables of records of whose names the question has all words: women_stem is not named by "women" alone."""
    return _in_full((table.name for table in tables if table.of_records), question)


def named_marks(tables: Sequence[Table], question: str) -> tuple[str, ...]:
    """Columns that only mark rows, with 0 or 1, of whose names the question has all words.

    "Episodes with a cabin" are those that the column `cabin` marks, not those with the word in a text.
    """
    marks = {column.name for table in tables if table.of_records for column in table.columns if _is_mark(column)}
    return _in_full(sorted(marks), question)


def _is_mark(column: Column) -> bool:
    return column.type == "flag" or (
        column.type == "number" and {column.least, column.greatest} == {0, 1} and column.distinct == 2
    )


def _in_full(names: Iterable[str], question: str) -> tuple[str, ...]:
    asked = _words_of(question)
    return tuple(name for name in names if (heard := _heard(name, asked)) and all(heard))


def _words_of(question: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", fold(question))[:MOST_WORDS]


def _heard(name: str, asked: Sequence[str]) -> list[bool]:
    """Of each word in a name that is long enough to tell, whether it is among those asked."""
    return [in_any_form(word, asked) for word in name.split("_") if len(word) >= _WORD]


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
