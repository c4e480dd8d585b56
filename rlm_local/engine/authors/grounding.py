"""Grounding: the values that a program compares with, spelled as in the records; without knowing any language."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rlm_local.collection import Column, Table
from rlm_local.collection.values import fold

_NEAREST = 0.75
"""difflib's ratio from which a spelling is taken for a slip. Chosen on 51 questions over other people's records."""

Values = Callable[[str, str, str], Sequence[str]]
"""(table, column, text) -> values that the text could mean: the same in another case, and the most common ones."""


@dataclass(frozen=True)
class Grounded:
    """A literal as the records spell it.

    Attributes:
        known: whether some row has it.
        within: whether it is only part of the values of rows: an item of a list, or words of a text.
    """

    value: str
    known: bool
    within: bool = False


def ground(literal: str, column: Column, table: Table, values: Values) -> Grounded:
    """The value of the column that a literal means: as written, else but for case and accents, else a near spelling.

    A literal that is no value itself, but part of some values or of a free text, means the values that contain it. An
    id or a code is never corrected: CVE-2024-3094 is not a slip of CVE-2024-38094.
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
    """Whether the value contains the part as whole words."""
    at = value.find(part) if part else -1
    before, after = value[at - 1 : at], value[at + len(part) : at + len(part) + 1]
    return at >= 0 and not before.isalnum() and not after.isalnum()
