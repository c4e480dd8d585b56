"""Numbers that a question compares with: "more than 500", "at least EUR 20", "between 3 and 5 kg"."""

import re
from dataclasses import dataclass

from rlm_local.collection.number import NUMBER, decimal_mark, quantity

_WORDS = {
    word: number
    for number, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
} | {"once": 1, "twice": 2}
_BARE = re.sub(r"[(][?]P<[a-z]+>", "(?:", NUMBER).replace(r"\(", "(?!)").replace(r"\)?", "")
_AMOUNT = (
    rf"(?:{_BARE}|(?:{'|'.join(_WORDS)})\b(?:\s(?!or\b|and\b)[a-z]{{2,12}})?)(?:\s(?:thousand|million|billion)\b)?"
)
_BEFORE = (
    (
        r"(?:no|not)\s+(?:more|greater|higher|longer|later)\s+than|at\s+(?:the\s+)?most|up\s+to|maximum\s+(?:of\s+)?|<=|\u2264",
        "<=",
    ),
    (r"(?:no|not)\s+(?:less|fewer|lower|smaller)\s+than|at\s+(?:the\s+)?least|minimum\s+(?:of\s+)?|>=|\u2265", ">="),
    (
        r"(?:more|greater|higher|larger|bigger|longer|older|heavier|taller)\s+than|over|above|exceed(?:s|ed|ing)?|>",
        ">",
    ),
    (r"(?:less|fewer|lower|smaller|shorter|younger|lighter|cheaper|colder)\s+than|under|below|<", "<"),
    (r"exactly|equal(?:s|\s+to)?|=", "="),
)
_RANGE = re.compile(rf"\b(?:between|from)\s+(?P<low>{_AMOUNT})\s+(?:and|to)\s+(?P<high>{_AMOUNT})", re.IGNORECASE)
_COMPARED = re.compile(
    rf"(?:(?<!\w)(?:{'|'.join(f'(?P<before{n}>{words})' for n, (words, _) in enumerate(_BEFORE))})\s*)?"
    rf"(?<![\w.,/:-])(?P<amount>{_AMOUNT})"
    r"(?![\w/:-])(?:\s*(?P<after>or\s+(?:more|higher|above|over|longer)|and\s+(?:above|over|more)|"
    r"or\s+(?:less|fewer|lower|below|under|shorter)))?",
    re.IGNORECASE,
)
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9}


@dataclass(frozen=True)
class Comparison:
    """A test on a number: `op` as conditions have it, the bound (two for "in"), the unit ("" for none), the words.

    `bare` numbers, that no word compares with, come with "=".
    """

    op: str
    value: float | tuple[float, float]
    unit: str
    start: int
    end: int
    bare: bool = False


def comparisons(question: str) -> list[Comparison]:
    """The comparisons that a question states, in order; what is part of a range is not told again."""
    found: list[Comparison] = []
    for match in _RANGE.finditer(question):
        low, high = _amount(match["low"]), _amount(match["high"])
        if low and high:
            found.append(Comparison("in", (low[0], high[0]), high[1] or low[1], *match.span()))
    ranges = list(found)
    for match in _COMPARED.finditer(question):
        amount = _amount(match["amount"])
        if amount is None or any(known.start <= match.start() < known.end for known in ranges):
            continue
        op = next((op for n, (_, op) in enumerate(_BEFORE) if match[f"before{n}"]), "")
        if match["after"]:
            op = ">=" if re.search(r"more|higher|above|over|longer", match["after"]) else "<="
        if op or not match["amount"][0].isalpha() or match["amount"][:1].isupper():
            found.append(Comparison(op or "=", amount[0], amount[1], *match.span(), bare=not op))
    return found


def _amount(text: str) -> tuple[float, str] | None:
    scale = 1.0
    head, _, last = text.strip().rpartition(" ")
    if last.lower() in _SCALES:
        text, scale = head, _SCALES[last.lower()]
    first, _, unit = text.partition(" ")
    if first.lower() in _WORDS:
        return _WORDS[first.lower()] * scale, unit
    read = quantity(text, decimal_mark([text]))
    return (read.value * scale, read.unit) if read else None
