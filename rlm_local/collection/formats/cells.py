"""Cells of a grid by their looks: which say something, which are numbers or dates, which name a total."""

from collections.abc import Sequence
from typing import NamedTuple

from rlm_local.collection.formats.part import Cell

_LONGEST_TYPED = 40
_MOST_LETTERS = 3  # in a number or a date: a unit, a currency, a month's short name
_SIGNS = frozenset("+-\N{MINUS SIGN}(.,$€£¥<>~#")
_TOTALS = frozenset(
    (
        "total|totals|grand total|overall total|subtotal|sub-total|sum|summe|gesamt|gesamtsumme|insgesamt|"
        "zwischensumme|somme|total général|totale|suma|razem|totaal|summa|soma|итого|всего|合计|总计|合計|総計|"
        "합계|총계"
    ).split("|")
)
_NOTHING = frozenset(("", "-", "\N{EN DASH}", "—", "..", "...", "n/a", "na", "n.a.", "null", "none", "nan", "*", "?"))


class Line(NamedTuple):
    """One row of a grid: its cells, from which to which character it stands in the text, and its number from 0."""

    cells: Sequence[Cell]
    start: int
    end: int
    number: int


def filled(cells: Sequence[Cell]) -> int:
    """How many cells say something."""
    return sum(not _blank(cell) for cell in cells)


def typed(cell: Cell) -> bool:
    """Whether a cell is a number, a date, a time or a flag rather than words, by its looks alone."""
    if not isinstance(cell, str):
        return cell is not None
    text = cell.strip()
    if not text or len(text) > _LONGEST_TYPED or not (text[0].isdigit() or text[0] in _SIGNS):
        return False
    return sum(map(str.isalpha, text)) <= _MOST_LETTERS and any(map(str.isdigit, text))


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace()))


def says_nothing(cell: Cell) -> bool:
    """Whether a cell is empty, or what people write for nothing: a dash, "n/a"."""
    return cell is None or (isinstance(cell, str) and len(cell) < 8 and cell.strip().casefold() in _NOTHING)


def in_time(cell: Cell) -> bool:
    """Whether a cell is a year, a month or a day, as headers of columns over time are."""
    text = str(cell)
    if len(text) == len("2000"):
        return text.isdecimal() and "1500" <= text <= "2200"
    return len(text) in (7, 10) and text[4] == "-" and text.replace("-", "").isdecimal()


def names_total(cell: Cell) -> bool:
    return isinstance(cell, str) and len(cell) <= _LONGEST_TYPED and cell.strip(" :.*\t").casefold() in _TOTALS


def joined(cells: Sequence[Cell]) -> str:
    texts = [" ".join(str(cell).split()) for cell in cells if cell is not None]
    return " ".join(text for text in texts if text)
