"""What a question names that a program for it has to name, too: tables, and years."""

import re
from collections.abc import Sequence

from rlm_local.collection import Table
from rlm_local.collection.values import MOST_WORDS, akin, fold

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_WORD = 4
"""Letters of a word that can name a table."""


def named_tables(tables: Sequence[Table], question: str) -> tuple[str, ...]:
    """Tables of records with a word in their name that the question has, in any form."""
    asked = re.findall(r"[^\W\d_]+", fold(question))[:MOST_WORDS]

    def names(word: str) -> bool:
        return len(word) >= _WORD and any(word == other or akin(word, other) for other in asked)

    return tuple(table.name for table in tables if table.of_records and any(map(names, table.name.split("_"))))


def years(question: str) -> tuple[str, ...]:
    """The years that stand in a question as words of their own, as 2020s does not."""
    return tuple(word for word in re.findall(r"\w+", question) if _YEAR.fullmatch(word))


def years_in(program: str) -> frozenset[str]:
    """The years that a program names, in a name of a column, too, as margin_2020."""
    return frozenset(_YEAR.findall(program))


def unused(named: Sequence[str], program: str) -> tuple[str, ...]:
    """What of that a program does not name."""
    words = years_in(program).union(re.findall(r"\w+", program.lower()))
    return tuple(name for name in named if name not in words)
