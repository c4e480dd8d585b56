"""Numbers as people write them: thousands separators, decimal commas, currencies, units, percent."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DecimalMark = Literal[".", ","]

_PLAIN = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d+)?")
_SIGNS = "€$£¥￥₹₽₩"
_LETTER = r"[^\W\d_]"
NUMBER = (
    rf"(?P<open>\()?(?P<sign>[-+\u2212])?\s?"
    rf"(?P<before>[A-Z]{{0,3}}[{_SIGNS}]|[A-Z]{{3}}(?=[\s\d]))?\s?(?P<inner>[-\u2212])?"
    r"(?P<digits>\d+(?:[.,'\u2019\s]\d+)*)"
    rf"(?P<power>[kKM]|bn)?(?P<exponent>[eE][-+]?\d{{1,3}})?"
    rf"(?:\s?(?P<after>[{_SIGNS}%‰]|°?{_LETTER}{{1,12}}\.?[²³]?(?:/{_LETTER}{{1,8}}[²³]?)?))?\)?"
)
_NUMBER = re.compile(NUMBER)
_GROUPED = {
    ".": re.compile(r"\d{1,3}(?:(?:,\d{2,3})*,\d{3}|(?:[ '\u2019\u00a0\u202f]\d{3})+)?(?:\.\d+)?|\d+(?:\.\d+)?"),
    ",": re.compile(r"\d{1,3}(?:(?:\.\d{3})+|(?:[ '\u2019\u00a0\u202f]\d{3})+)?(?:,\d+)?|\d+(?:,\d+)?"),
}
_POWERS = {"k": 1e3, "K": 1e3, "M": 1e6, "bn": 1e9}
_CURRENCIES = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "￥": "JPY", "₹": "INR"}


@dataclass(frozen=True)
class Quantity:
    """A number and the unit written with it ("" for none). Currency signs are given as their ISO 4217 code."""

    value: float
    unit: str


def decimal_mark(texts: Iterable[str]) -> DecimalMark:
    """Which mark separates decimals in a column: what the unmistakable values say, a point when none does."""
    votes: Counter[DecimalMark] = Counter()
    for text in texts:
        match = _NUMBER.fullmatch(text.strip())
        if match is None:
            continue
        digits = match["digits"]
        point, comma = digits.rfind("."), digits.rfind(",")
        if point >= 0 and comma >= 0:
            votes["." if point > comma else ","] += 2
        elif digits.count(",") > 1 or digits.count(".") > 1:
            votes["." if comma >= 0 else ","] += 1
        elif comma >= 0 and not _is_group(digits, comma):
            votes[","] += 1
        elif point >= 0 and not _is_group(digits, point):
            votes["."] += 1
    return "," if votes[","] > votes["."] else "."


def _is_group(digits: str, mark: int) -> bool:
    """Whether a mark may stand before thousands: as in "10,058", not as in "0,058" or "1000,058"."""
    return len(digits) - mark - 1 == 3 and mark <= 3 and digits[0] != "0"


def quantity(text: str, mark: DecimalMark = ".") -> Quantity | None:
    """Read a whole cell as a number. None if it is not one, or is a code: leading zeros, more than 15 digits."""
    text = text.strip()
    if mark == "." and _PLAIN.fullmatch(text):
        return Quantity(float(text), "")
    match = _NUMBER.fullmatch(text)
    if match is None or bool(match["open"]) != text.endswith(")"):
        return None
    digits = match["digits"]
    if not _GROUPED[mark].fullmatch(digits):
        return None
    whole = re.sub(r"[\s'\u2019]" + ("|," if mark == "." else r"|\."), "", digits).replace(",", ".")
    if len(whole) > 16 or (len(whole) > 1 and whole[0] == "0" and whole[1] != "."):
        return None
    before, after = match["before"], match["after"]
    if before and after:
        return None
    value = float(whole + (match["exponent"] or "")) * _POWERS.get(match["power"] or "", 1.0)
    if match["open"] or match["sign"] in ("-", "\u2212") or match["inner"]:
        value = -value
    unit = before or after or ""
    return Quantity(value, _CURRENCIES.get(unit[-1:], unit))
