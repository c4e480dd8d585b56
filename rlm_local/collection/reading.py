"""How a column's cells are read: as numbers, dates, flags or text; decided on some of them, kept for all.

Cells are what formats give: text as written, or the numbers and flags of JSON and spreadsheets. Nothing is guessed of
one cell: a column is read one way, and what does not fit is not given.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

from rlm_local.collection.dates import (
    CLOCK,
    DAY,
    Order,
    clock,
    from_epoch,
    is_ambiguous,
    moment,
    order_of,
    steadier,
)
from rlm_local.collection.formats.part import Cell
from rlm_local.collection.identifiers import plain
from rlm_local.collection.number import DecimalMark, Quantity, decimal_mark, quantity

Kind = Literal["none", "flag", "integer", "whole", "real", "date", "time", "clock", "epoch", "text"]
"""`integer` is written as SQL would write it; `whole` and `real` numbers may have marks and units."""

Value = str | int | float | None

NOT_GIVEN = frozenset(("", "-", "--", "\u2013", "\u2014", "n/a", "null", "\\n"))
"""What says in any case that there is no value: "\\N" is what MySQL and PostgreSQL write for NULL."""
_NOT_A_VALUE = NOT_GIVEN | {"na", "nan", "none", "nil", "?", "unknown", "tbd", "n.a.", "#n/a"}
_CODES = frozenset(
    "id ids uuid guid key ref reference no nr number num code zip zipcode postcode plz phone tel telephone mobile fax "
    "isbn iban sku ean vin ssn pin serial barcode account user userid".split()
)
"""Last words of the labels of columns whose digits are no amounts."""
_TIMES = frozenset("ts time timestamp date datetime at epoch created updated modified".split())
_INTEGER = re.compile(r"-?[1-9][0-9]{0,17}|0")
_INTEGERS = re.compile(r"(?:(?:-?[1-9][0-9]{0,17}|0)?\n)*+")
_REALS = re.compile(r"(?:(?:-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,20})?)?\n)*+")
_DATES = re.compile(rf"(?:{DAY}?\n)*+")
_MOMENTS = re.compile(rf"(?:(?:{DAY}(?:[ T]{CLOCK})?)?\n)*+")
_ALIKE: dict[Kind, tuple[re.Pattern[str], Callable[[str], Value]]] = {
    "integer": (_INTEGERS, int),
    "real": (_REALS, float),
    "date": (_DATES, str),
    "time": (_MOMENTS, lambda text: text.replace("T", " ")),
}
"""For columns whose texts all are as most are written: a pattern for such texts, a line each, and how to read one."""
_LONGEST_NOTHING = max(map(len, NOT_GIVEN))
_LONGEST_NUMBER = 40
ENOUGH = 0.95
"""Of what is said, as much must read as a type for the column to have it."""
_UNITS = 8
_NUMBERS: tuple[Kind, ...] = ("integer", "whole", "real")


@dataclass(frozen=True)
class Reading:
    """How a column is read.

    Attributes:
        mark: the decimal mark of numbers that are written with marks.
        unit: of all its numbers; "*" where they have several, which then stand in a column beside it.
        order: of day and month, where dates need to be told.
        guessed: nothing in the column says that order.
        zone: whether some times have a zone, which then stands in a column beside it.
    """

    kind: Kind
    mark: DecimalMark | None = None
    unit: str = ""
    order: Order | None = None
    guessed: bool = False
    zone: bool = False

    @property
    def beside(self) -> str:
        """What is told in a column beside it: "unit", "zone" or nothing."""
        return "unit" if self.unit == "*" else "zone" if self.zone else ""

    @property
    def affinity(self) -> str:
        """The column's type in SQL."""
        return {"real": "REAL", "integer": "INTEGER", "whole": "INTEGER", "flag": "INTEGER"}.get(self.kind, "TEXT")

    def data(self) -> dict[str, object]:
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name))}


NONE = Reading("none")
TEXT = Reading("text")


def is_code(label: str) -> bool:
    """Whether a column's name says that its digits are no amounts: an id, a telephone number."""
    return plain(label).rpartition("_")[2] in _CODES


def decide(label: str, cells: Iterable[Cell]) -> Reading:
    """How a column is read, by some of its different cells in the order of its rows."""
    given = [cell.strip() if isinstance(cell, str) else cell for cell in cells if cell is not None]
    given = [cell for cell in given if not isinstance(cell, str) or cell.lower() not in NOT_GIVEN]
    if not given:
        return NONE
    flags = sum(isinstance(cell, bool) for cell in given)
    if flags:
        return Reading("flag") if flags == len(given) else TEXT
    words = [cell for cell in given if isinstance(cell, str)]
    stated = [word for word in words if word.lower() not in _NOT_A_VALUE]
    numbers = [cell for cell in given if not isinstance(cell, str)]
    days = [*stated, *(written(number) or "" for number in numbers)]  # 20240305 is written as a number, too
    if days and not (is_code(label) and all(map(str.isdecimal, days))) and (dated := _of_dates(days)):
        return dated
    if not stated:
        return _of_numbers(label, numbers) if numbers else TEXT
    return _of_amounts(label, stated, numbers)


def _of_numbers(label: str, numbers: Sequence[int | float]) -> Reading:
    if plain(label).rpartition("_")[2] in _TIMES and all(from_epoch(number) for number in numbers):
        return Reading("epoch")
    if all(number == number and abs(number) < 1 << 63 and number == int(number) for number in map(_finite, numbers)):
        return Reading("integer")
    return Reading("real")


def _finite(number: float) -> float:
    return number if number == number and abs(number) != float("inf") else 0.5


def _of_dates(stated: Sequence[str]) -> Reading | None:
    some = stated[:: max(1, len(stated) // 50)]
    if _most(some, lambda word: moment(word) or moment(word, "month")):
        told = order_of(stated)
        ambiguous = any(map(is_ambiguous, stated))
        order = told or (steadier(stated[:500]) if ambiguous else None)
        read = [found for word in stated if (found := moment(word, order or "day"))]
        kind: Kind = "time" if any(each.timed for each in read) else "date"
        guessed = ambiguous and told is None
    elif _most(some, clock):
        read = [found for word in stated if (found := clock(word))]
        kind, order, guessed = "clock", None, False
    else:
        return None
    if len(read) < ENOUGH * len(stated):
        return None
    return Reading(kind, order=order, guessed=guessed, zone=any(each.zone for each in read))


def _most(some: Sequence[str], read: Callable[[str], object]) -> bool:
    return sum(read(word) is not None for word in some) >= 0.9 * len(some)


def _of_amounts(label: str, stated: Sequence[str], numbers: Sequence[int | float]) -> Reading:
    canonical = [word for word in stated if _INTEGER.fullmatch(word)]
    bare = _of_numbers("", numbers) if numbers else Reading("integer")
    if len(canonical) == len(stated) and bare.kind == "integer":
        return bare
    if is_code(label):
        return TEXT
    some = stated[:: max(1, len(stated) // 50)]
    if sum(_amount(word, ".") is not None or _amount(word, ",") is not None for word in some) < 0.8 * len(some):
        return TEXT
    mark = decimal_mark(word for word in stated if len(word) <= _LONGEST_NUMBER)
    found = [number for word in stated if (number := _amount(word, mark))]
    units = {number.unit for number in found} - {""}
    if len(found) < ENOUGH * len(stated) or len(units) > max(1, min(_UNITS, len(found) // 4)):
        return TEXT
    whole = bare.kind == "integer" and all(number.value.is_integer() for number in found)
    if whole and any(mark in word for word in stated):
        whole = False
    unit = next(iter(units), "") if len(units) < 2 else "*"
    marked = any("." in word or "," in word for word in stated)
    if len(canonical) >= ENOUGH * len(stated) and whole and not units and not marked:
        return Reading("integer")
    return Reading("whole" if whole else "real", mark if marked else None, unit)


def _amount(word: str, mark: DecimalMark) -> Quantity | None:
    return quantity(word, mark) if len(word) <= _LONGEST_NUMBER else None


class Unfit(Exception):  # noqa: N818  a cell, not a failure
    """A cell that is not what its column is read as."""


def reader(reading: Reading) -> Callable[[Cell], tuple[Value, str | None]]:
    """A function from a cell to its value, and what is told beside it (its unit or zone).

    The function raises Unfit for a cell that does not fit.
    """
    if reading.kind in ("text", "none"):
        return lambda cell: (written(cell), None)

    def read(cell: Cell) -> tuple[Value, str | None]:
        if isinstance(cell, str):
            text = cell.strip()
            if text.lower() in _NOT_A_VALUE:
                return None, None
            return _of_text(reading, text)
        return (None, None) if cell is None else (_of_number(reading, cell), None)

    return read


def at_once(reading: Reading, cells: Sequence[str]) -> Sequence[Value] | None:
    """The values of texts that all are as most are written, which is much faster; None where they are not.

    They are what `reader` gives of each, with nothing beside it.
    """
    if reading.kind == "text":
        stripped = map(str.strip, cells)
        return [None if len(cell) <= _LONGEST_NOTHING and cell.lower() in NOT_GIVEN else cell for cell in stripped]
    form, read = _ALIKE.get(reading.kind, (None, int))
    if form is None or reading.mark == "," or reading.beside:
        return None
    lines = "\n".join((*cells, ""))
    if not form.fullmatch(lines) or lines.count("\n") != len(cells):
        return None
    if "" in cells:
        return [read(cell) if cell else None for cell in cells]
    return list(map(read, cells))


def _of_text(reading: Reading, text: str) -> tuple[Value, str | None]:
    if reading.kind in ("date", "time", "clock"):
        found = clock(text) if reading.kind == "clock" else moment(text, reading.order or "day")
        if found is None or (found.timed and reading.kind == "date") or (found.zone and not reading.zone):
            raise Unfit(text)
        return found.text, found.zone or None
    if reading.kind == "integer":
        if not _INTEGER.fullmatch(text.lstrip("0") or text[-1:]):  # "07" among 6 and 8 is a 7
            raise Unfit(text)
        return int(text), None
    if reading.kind not in ("whole", "real"):
        raise Unfit(text)
    number = _amount(text, reading.mark or ".")
    if number is None or (number.unit not in ("", reading.unit) and reading.unit != "*"):
        raise Unfit(text)
    return _stored(reading, number.value), number.unit or None


def _of_number(reading: Reading, cell: float) -> Value:
    if reading.kind in ("date", "time"):
        return _of_text(reading, written(cell) or "")[0]
    if reading.kind == "flag":
        if isinstance(cell, bool):
            return int(cell)
        raise Unfit(str(cell))
    if cell != cell or abs(cell) == float("inf"):
        return None
    if reading.kind == "epoch":
        time = from_epoch(cell)
        if time is None:
            raise Unfit(str(cell))
        return time
    if reading.kind in _NUMBERS:
        return _stored(reading, cell)
    raise Unfit(str(cell))


def _stored(reading: Reading, number: float) -> Value:
    if reading.kind == "real":
        return float(number)
    if number != int(number) or abs(number) >= 1 << 63:
        raise Unfit(str(number))
    return int(number)


def written(cell: Cell) -> str | None:
    """A cell as text: without the outer spaces, whole numbers without a point; None for what is not given."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        text = cell.strip()
        return None if text.lower() in NOT_GIVEN else text
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


def joined(one: Reading, other: Reading) -> Reading:
    """How a column is read that one file has this way and another file that way."""
    if one == other or other.kind == "none":
        return one
    if one.kind == "none":
        return other
    kinds = {one.kind, other.kind}
    zone = one.zone or other.zone
    if kinds <= {"date", "time"} or kinds == {"clock"}:
        if one.order and other.order and one.order != other.order:
            if one.guessed == other.guessed:
                return TEXT
            return replace(other if one.guessed else one, kind="time" if "time" in kinds else "date", zone=zone)
        certain = any(each.order and not each.guessed for each in (one, other))
        guessed = not certain and (one.guessed or other.guessed)
        return Reading(
            "clock" if "clock" in kinds else "time" if "time" in kinds else "date",
            order=one.order or other.order,
            guessed=guessed,
            zone=zone,
        )
    if kinds <= set(_NUMBERS):
        if one.mark and other.mark and one.mark != other.mark:
            return TEXT
        unit = one.unit if one.unit == other.unit else "*"
        if "" in (one.unit, other.unit) and "*" not in (one.unit, other.unit):
            unit = one.unit or other.unit
        wider = max((one, other), key=lambda each: _NUMBERS.index(each.kind))
        return Reading(wider.kind, one.mark or other.mark, unit)
    return TEXT


def is_kept(one: Reading, whole: Reading) -> bool:
    """Whether values read as `one` are what they would be if they were read as `whole`."""
    if one.kind in ("none", whole.kind) and one.kind != "text":
        same = one.kind == "none" or (one.mark in (None, whole.mark) and one.unit == whole.unit)
        return same and (one.order in (None, whole.order))
    if one.kind == "integer":
        return whole.kind in ("whole", "real", "text") and not whole.unit
    if one.kind == "whole":
        return whole.kind == "real" and one.mark in (None, whole.mark) and one.unit == whole.unit
    if one.kind == "date":
        return whole.kind == "time" and one.order in (None, whole.order)
    return one == whole or one.kind == whole.kind == "text"


def dumped(readings: dict[str, Reading]) -> str:
    """Readings by column as JSON."""
    return json.dumps({key: reading.data() for key, reading in readings.items()}, ensure_ascii=False)


def loaded(text: str) -> dict[str, Reading]:
    """What `dumped` wrote."""
    return {key: Reading(**data) for key, data in json.loads(text).items()}
