"""The numbers of a Word document's paragraphs ("2.1", "(a)"): they stand in no text, and clauses are cited by them."""

from typing import Any

from rlm_local.collection.formats.package import attribute, child, local

_LEVELS = 9
_ROMAN = tuple(
    zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), "m cm d cd c xc l xl x ix v iv i".split(), strict=True)
)
_MOST = 9_999


class Numbering:
    """Counts as the paragraphs come.

    Args:
        root: of the part that says how lists are numbered; None where there is none.
    """

    def __init__(self, root: Any) -> None:
        self._lists: dict[str, tuple[str, dict[int, int]]] = {}
        self._forms: dict[str, dict[int, tuple[str, str, int]]] = {}
        self._counts: dict[str, list[int]] = {}
        for one in root if root is not None else ():
            if local(one) == "abstractNum":
                self._forms[attribute(one, "abstractNumId")] = _forms(one)
            elif local(one) == "num":
                starts = {_value(over, "ilvl"): _start(over) for over in one if local(over) == "lvlOverride"}
                self._lists[attribute(one, "numId")] = (attribute(child(one, "abstractNumId"), "val"), starts)

    def label(self, own: Any, style: Any) -> str:
        """The number of a paragraph with a blank behind it; empty where it has none.

        Args:
            own, style: the properties of the paragraph and those of its style, or None.
        """
        found = [child(one, "numPr") for one in (own, style) if one is not None]
        said = [one for one in found if one is not None]
        number = next((value for value in (_below(one, "numId") for one in said) if value), "")
        abstract, starts = self._lists.get(number, ("", {}))
        forms = self._forms.get(abstract)
        if not forms:
            return ""
        level = next((value for value in (_below(one, "ilvl") for one in said) if value), "0")
        depth = int(level) if level.isdecimal() and len(level) == 1 else 0
        if depth not in forms:
            return ""
        counts = self._counts.setdefault(abstract, [-1] * (_LEVELS + 1))
        start = starts.get(depth) or forms[depth][2]
        counts[depth] = min(_MOST, start if counts[depth] < 0 else counts[depth] + 1)
        counts[depth + 1 :] = [-1] * (_LEVELS - depth)
        return _label(forms, counts, depth)


def _label(forms: dict[int, tuple[str, str, int]], counts: list[int], depth: int) -> str:
    kind, text, _ = forms[depth]
    if kind == "bullet":
        return "- "
    if kind == "none":
        return ""
    for level in range(depth + 1):
        form = forms.get(level, ("decimal", "", 1))
        number = counts[level] if counts[level] >= 0 else form[2]
        text = text.replace(f"%{level + 1}", _written(number, form[0]))
    return f"{text} " if text else ""


def _forms(abstract: Any) -> dict[int, tuple[str, str, int]]:
    """By level: how its numbers are written, the text around them, the first one."""
    forms: dict[int, tuple[str, str, int]] = {}
    for one in abstract:
        if local(one) == "lvl":
            kind, text = (child(one, name) for name in ("numFmt", "lvlText"))
            forms[_value(one, "ilvl")] = (
                attribute(kind, "val") if kind is not None else "decimal",
                attribute(text, "val")[:100] if text is not None else "",
                _start(one),
            )
    return forms


def _start(level: Any) -> int:
    for name in ("startOverride", "start"):
        if child(level, name) is not None:
            return _value(child(level, name), "val")
    return 0


def _below(element: Any, name: str) -> str:
    found = child(element, name)
    return attribute(found, "val") if found is not None else ""


def _value(element: Any, name: str) -> int:
    said = attribute(element, name)
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 5 else 0


def _written(number: int, kind: str) -> str:
    if kind in ("lowerLetter", "upperLetter") and number > 0:
        turns, place = divmod(number - 1, 26)
        text = chr(ord("a") + place) * min(turns + 1, 9)
    elif kind in ("lowerRoman", "upperRoman"):
        text = ""
        for value, sign in _ROMAN:
            text += sign * (number // value)
            number %= value
    else:
        return f"{number:02}" if kind == "decimalZero" else str(number)
    return text.upper() if kind.startswith("upper") else text
