"""Removes conditions from a query that nothing in the question asks for, by their numbers and dates, in any language.

A small model writes `votes > 7 AND rating > 7` for one "above 7", and `minutes >= 120` if nobody spoke of minutes.
"""

import math
import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from rlm_local.collection.values import MOST_WORDS, fold, in_any_form
from rlm_local.collection.words import is_common
from rlm_local.engine.authors.dialect import Owner, conditions

_IN_WORDS = frozenset((*range(21), 25, 50, 75, 100, 1_000, 1_000_000, 0.1, 0.2, 0.25, 0.5, 0.75))
"""Numbers that a question may express in words, such as "a quarter of" and "mostly"."""

_UNITS = (1, 7, 10, 12, 24, 60, 100, 1_000, 3_600, 1_000_000, 1_000_000_000)
"""By what factor a number in another unit is larger or smaller: two hours are 120 minutes, three million 3000000."""

_NUMBER = re.compile(r"\d+(?:[.,\u2019' ]\d{3})*(?:[.,]\d+)?")
_MARKS = re.compile(r"[.,\u2019' ](?=\d{3}(?!\d))")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d):(\d\d)\b.{0,16}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d.{0,16}")


def drop_unasked(tree: exp.Expr, question: str, owner: Owner) -> list[str]:
    """Remove, in place, what is not asked for; returns what was removed, for the log."""
    notes: list[str] = []
    said = set(_numbers(question))
    for select in tree.find_all(exp.Select):
        for part in conditions(select):
            if _invented(part, said, owner):
                _drop(part, notes)
        by_values: dict[frozenset[str], list[exp.Expr]] = {}
        for part in conditions(select):
            stated = frozenset(_stated(part))
            if stated and not part.find(exp.Select):
                by_values.setdefault(stated, []).append(part)
        for parts in by_values.values():
            columns = {column.name for part in parts for column in part.find_all(exp.Column)}
            if len(columns) > 1 and len(parts) > 1:
                _keep_one(parts, question, owner, notes)
    return notes


def forget_clocks(tree: exp.Expr, question: str, owner: Owner) -> list[str]:
    """Remove the time of day, in place, from moments that a column is to equal, if the question gives no hour. A model
    that is asked about a day copies the first or last moment of the column. Returns what was done."""
    said = {number.lstrip("0") for number in re.findall(r"\d+", question)}
    notes: list[str] = []
    for node in list(tree.find_all(exp.EQ)):
        for column, literal in ((node.this, node.expression), (node.expression, node.this)):
            found = owner(column)
            moment = _MOMENT.fullmatch(literal.name) if isinstance(literal, exp.Literal) and literal.is_string else None
            if found is not None and found[1].type == "time" and moment and moment[2].lstrip("0") not in said:
                literal.replace(exp.Literal.string(moment[1]))
                notes.append(f"{moment[1]} for {literal.name}")
    return notes


def _invented(part: exp.Expr, said: set[float], owner: Owner) -> bool:
    """Whether a condition compares a column of amounts with a number that cannot come from the question.

    A number that a column is to equal, and that is among its common values, may be a code that the question has in
    words: 404 is a page that was not found.
    """
    if not isinstance(part, exp.GT | exp.GTE | exp.LT | exp.LTE | exp.EQ):
        return False
    for one, other in ((part.this, part.expression), (part.expression, part.this)):
        found = owner(one)
        if found is not None and found[1].type == "number" and isinstance(other, exp.Literal) and not other.is_string:
            number, common = float(other.name), (value for value, _ in found[1].common)
            return not _could_be(number, said) and not (isinstance(part, exp.EQ) and number in common)
    return False


def _could_be(number: float, said: set[float]) -> bool:
    """Whether a number is one of those in the question, in some unit, or could be expressed in words."""
    sizes = {number * unit for unit in _UNITS} | {number / unit for unit in _UNITS}
    return number in _IN_WORDS or any(math.isclose(size, each) for size in sizes for each in said)


def _numbers(question: str) -> Iterator[float]:
    for match in _NUMBER.finditer(question):
        text = match.group()
        for read in {_MARKS.sub("", text), re.split("[.,]", text)[0], text.replace(",", ".")}:
            try:
                yield float(read)
            except ValueError:
                continue


def _keep_one(parts: Sequence[exp.Expr], question: str, owner: Owner, notes: list[str]) -> None:
    """Of several conditions with the same numbers, keep those whose columns the question mentions; if it mentions none,
    those of the first one's column."""
    asked = [word for word in re.findall(r"\w+", fold(question))[:MOST_WORDS] if not is_common(word)]
    spoken = [part for part in parts if any(in_any_form(word, asked) for word in _words(part, owner))]
    kept = {column.name for part in spoken or parts[:1] for column in part.find_all(exp.Column)}
    for part in parts:
        if not any(column.name in kept for column in part.find_all(exp.Column)):
            _drop(part, notes)


def _words(part: exp.Expr, owner: Owner) -> set[str]:
    owners = (owner(column) for column in part.find_all(exp.Column))
    labels = " ".join(f"{column.label} {column.name.replace('_', ' ')}" for _, column in filter(None, owners))
    return set(re.findall(r"\w+", fold(labels)))


def _drop(part: exp.Expr, notes: list[str]) -> None:
    """Remove one condition from those that AND joins it with."""
    notes.append(f"without {part.sql(dialect='sqlite')}: nothing in the question asks for it")
    parent = part.parent
    if isinstance(parent, exp.And):
        parent.replace(parent.expression if parent.this is part else parent.this)
    else:
        part.replace(exp.true())


def _stated(node: exp.Expr) -> Iterator[str]:
    """Numbers and dates that a condition states."""
    for literal in node.find_all(exp.Literal):
        if not literal.is_string or _DATE.fullmatch(literal.name):
            yield literal.name
