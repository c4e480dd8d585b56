"""A field: what each item of a set says under one name, with the type that its values have."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from rlm_local.collection.number import Quantity, decimal_mark, quantity
from rlm_local.corpus.date import DateReader, day_month_order, from_epoch
from rlm_local.corpus.table import Raw
from rlm_local.corpus.vocabulary import Vocabulary

FieldType = Literal["number", "date", "bool", "category", "text", "id"]
Value = str | float | None

_SOME = 200  # values that show what a field holds
_SENTENCE = 4  # words
_ENOUGH = 0.95  # of the values must read as a type for the field to have it
_NOT_GIVEN = frozenset(("", "-", "--", "—", "\u2013", "n/a", "null"))
_NOT_A_VALUE = _NOT_GIVEN | {"na", "nan", "none", "nil", "?", "unknown", "tbd"}
_TRUTH = {
    "true": "true",
    "yes": "true",
    "y": "true",
    "t": "true",
    "false": "false",
    "no": "false",
    "n": "false",
    "f": "false",
}
_NAMES_OF_IDS = frozenset(
    "id ids uuid guid key ref reference no nr number num code zip zipcode postcode plz phone tel telephone mobile fax "
    "isbn iban sku ean vin ssn pin serial barcode account user userid".split()
)
_NAMES_OF_TIMES = frozenset("ts time timestamp date datetime at epoch created updated modified".split())


@dataclass(frozen=True, eq=False)
class Field:
    """One field of an item set. `values` has an entry per item: None where the item does not say.

    Numbers are floats, in `unit` where all are written with the same one. Dates are ISO 8601 strings (see `date`).
    Bools are "true" and "false". The other types are the text as written.
    """

    name: str
    label: str
    type: FieldType
    values: Sequence[Value]
    unit: str = ""

    @cached_property
    def counts(self) -> Counter[str | float]:
        """How many items have each value."""
        return Counter(value for value in self.values if value is not None)

    @property
    def distinct(self) -> int:
        return len(self.counts)

    @cached_property
    def is_prose(self) -> bool:
        """Whether most values are sentences: several words each."""
        some = [value for value in list(self.counts)[:_SOME] if isinstance(value, str)]
        return self.type == "text" and sum(len(value.split()) >= _SENTENCE for value in some) > len(some) / 2

    def top(self, n: int) -> list[tuple[str | float, int]]:
        """The `n` most common values, each with its number of items."""
        return self.counts.most_common(n)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The values that are text, to be looked up by a question's words."""
        return Vocabulary.of(value for value in self.counts if isinstance(value, str))

    @cached_property
    def min(self) -> Value:
        """The least value, None for a field without values."""
        return min(self.counts, key=_rank, default=None)

    @cached_property
    def max(self) -> Value:
        return max(self.counts, key=_rank, default=None)


def _rank(value: str | float) -> tuple[float, str]:
    return (0.0, value) if isinstance(value, str) else (value, "")


def field_name(label: str) -> str:
    """A label as snake_case: "Amount due:" is amount_due, "patientId" is patient_id."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", label.replace("ß", "ss")) if not unicodedata.combining(c))
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    plain = re.sub(r"\W+|_+", "_", plain).strip("_").lower()
    return f"n{plain}" if plain[:1].isdigit() else plain or "value"


def typed(label: str, cells: Sequence[Raw]) -> list[Field]:
    """The field that a column is; and, where its numbers come in several units, a second one that holds the units."""
    name = field_name(label)
    texts = ["true" if cell is True else "false" if cell is False else cell for cell in cells]
    given = [text for text in texts if text is not None]
    distinct = dict.fromkeys(given)
    words = [value.strip() for value in distinct if isinstance(value, str)]
    stated = [word for word in words if word.lower() not in _NOT_A_VALUE]
    if not stated and len(words) == len(distinct):
        return [_strings(name, label, texts)]
    truths = [_TRUTH.get(word.lower(), "") for word in stated]
    if len(stated) == len(distinct) <= 6 and all(truths) and len(set(truths)) == len({word.lower() for word in stated}):
        return [Field(name, label, "bool", [t and _TRUTH[str(t).strip().lower()] for t in texts])]
    is_code = name.rpartition("_")[2] in _NAMES_OF_IDS
    dates = _dates(name, distinct, stated)
    if dates is not None:
        return [Field(name, label, "date", [None if text is None else dates.get(text) for text in texts])]
    numbers = None if is_code else _numbers(distinct, stated)
    return [_strings(name, label, texts)] if numbers is None else _number_fields(name, label, texts, numbers)


def _dates(name: str, distinct: dict[str | float, None], stated: list[str]) -> Mapping[str | float, str] | None:
    if len(stated) < len(distinct) / 2:
        if stated or name.rpartition("_")[2] not in _NAMES_OF_TIMES:
            return None
        epochs: dict[str | float, str] = {
            number: iso for number in distinct if isinstance(number, float) and (iso := from_epoch(number))
        }
        return epochs if len(epochs) == len(distinct) else None
    trial = DateReader()
    some = stated[:: max(1, len(stated) // 50)]
    if sum(trial.read(word) is not None for word in some) < 0.9 * len(some):
        return None
    reader = DateReader(day_month_order(stated))
    dates: dict[str | float, str] = {
        word: iso for word in distinct if isinstance(word, str) and (iso := reader.read(word.strip()))
    }
    return dates if len(dates) >= _ENOUGH * len(stated) else None


def _numbers(distinct: dict[str | float, None], stated: list[str]) -> dict[str | float, Quantity] | None:
    found: dict[str | float, Quantity] = {n: Quantity(float(n), "") for n in distinct if not isinstance(n, str)}
    bare = len(found)
    some = stated[:: max(1, len(stated) // 50)]
    if sum(quantity(w, ".") is not None or quantity(w, ",") is not None for w in some) < 0.8 * len(some):
        return None
    mark = decimal_mark(stated)
    for word in distinct:
        if isinstance(word, str) and (number := quantity(word, mark)):
            found[word] = number
    units = {number.unit for number in found.values()} - {""}
    if len(found) < _ENOUGH * (len(stated) + bare) or len(units) > max(1, min(8, len(found) // 4)):
        return None
    return found


def _number_fields(
    name: str, label: str, texts: Sequence[str | float | None], numbers: dict[str | float, Quantity]
) -> list[Field]:
    read = [None if text is None else numbers.get(text) for text in texts]
    units = {number.unit for number in numbers.values()} - {""}
    values = [None if number is None else number.value for number in read]
    field = Field(name, label, "number", values, next(iter(units)) if len(units) == 1 else "")
    if len(units) < 2:
        return [field]
    companion = [None if number is None else number.unit or None for number in read]
    return [field, Field(f"{name}_unit", f"{label} (unit)", "category", companion)]


def _strings(name: str, label: str, texts: Sequence[str | float | None]) -> Field:
    values = [None if text is None else written(text) for text in texts]
    return Field(name, label, string_type(name, values), values)


def written(value: str | float) -> str | None:
    """A value as text: without the outer spaces, whole numbers without a point; None for "not given"."""
    if isinstance(value, str):
        text = value.strip()
        return None if text.lower() in _NOT_GIVEN else text
    return str(int(value)) if value == value and abs(value) < 1e15 and value == int(value) else repr(value)


def string_type(name: str, values: Sequence[Value]) -> Literal["category", "text", "id"]:
    """Whether texts are categories (short, repeated), ids (short tokens, nearly all different) or free text."""
    given = [value for value in values if isinstance(value, str)]
    if not given:
        return "text"
    distinct = set(given)
    ratio = len(distinct) / len(given)
    sample = list(distinct)[:2000]
    mean = sum(map(len, sample)) / len(sample)
    spaced = sum(" " in value or "\n" in value for value in sample) / len(sample)
    if mean <= 40 and spaced <= 0.05 and ratio >= 0.9:
        coded = sum(any(c.isdigit() for c in value) for value in sample) >= 0.5 * len(sample)
        if coded or name.rpartition("_")[2] in _NAMES_OF_IDS or len(given) >= 20:
            return "id"
    if mean > 60 or any("\n" in value for value in sample):
        return "text"
    few = ratio <= 0.5 or (mean <= 30 and (len(given) < 10 or ratio <= 0.8))
    return "category" if few else "text"
