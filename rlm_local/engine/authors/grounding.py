"""Values that programs name, held against the values that the records have; in no language."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rlm_local.collection import Column, Table
from rlm_local.collection.values import fold

_NEAREST = 0.75
"""Of difflib's ratio: spellings this near are taken for slips. Tried on 51 questions over records of others."""

Values = Callable[[str, str, str], Sequence[str]]
"""Values of a column of a table that could be what a text means: the same but for case, and the column's commonest."""


@dataclass(frozen=True)
class Grounded:
    """A literal as the records spell it.

    Attributes:
        known: whether a row has it.
        within: whether the texts of some rows hold it, as an item of a list or else somewhere.
    """

    value: str
    known: bool
    within: bool = False


def ground(literal: str, column: Column, table: Table, values: Values) -> Grounded:
    """The value of the column that a literal means: as written, else but for case and accents, else a near spelling.

    A literal that no value is, and that stands in some, or in a free text, means those that hold it.
    An id or a code is what it is: CVE-2024-3094 is not a slip of CVE-2024-38094.
    """
    found = list(values(table.name, column.name, literal))
    folded = fold(literal)
    same = literal if literal in found else next((value for value in found if fold(value) == folded), None)
    if same is not None:
        return Grounded(same, known=True, within=column.type == "list")
    if column.type == "id":
        return Grounded(literal, known=False)
    if column.type == "text" or any(_holds(fold(value), folded) for value in found):
        return Grounded(literal, known=True, within=True)
    if any(character.isdigit() for character in literal):
        return Grounded(literal, known=False)
    by_fold = {fold(value): value for value in found}
    near = difflib.get_close_matches(folded, by_fold, n=1, cutoff=_NEAREST)
    return Grounded(by_fold[near[0]], True, column.type == "list") if near else Grounded(literal, known=False)


def _holds(value: str, part: str) -> bool:
    """Whether the part stands in the value from a word's beginning to a word's end."""
    at = value.find(part) if part else -1
    before, after = value[at - 1 : at], value[at + len(part) : at + len(part) + 1]
    return at >= 0 and not before.isalnum() and not after.isalnum()
