"""Pairs of groups: what a question asks of the items of one of the two, and of the other's."""

import re
from collections.abc import Callable, Sequence

from rlm_local.corpus import comparisons
from rlm_local.engine.guided.order import after, sentences
from rlm_local.engine.guided.plan import Condition, GroupTest, PairTests

_PAIRS = (
    re.compile(r"\bpairs?\b", re.I),
    re.compile(r"\b(?:such that|so that|where|for which|in which)\b", re.I),
)
_OTHER = re.compile(r",?\s*(?:and|while)\s+(?=the other\b)", re.I)
_CLAUSE = re.compile(r",?\s+and\s+(?=(?:at (?:least|most)|exactly|(?:more|fewer|less) than|no|all|every)\b)", re.I)
_EVERY = re.compile(r"\s*(?:all|every)\b", re.I)
_NO = re.compile(r"\b(?:no|none)\b", re.I)
_OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "=": "!=", "!=": "="}


def pair_tests(question: str, linked: Callable[[str], Sequence[Condition]]) -> PairTests | None:
    """The tests of a question for pairs of groups, None where it is none or one of its clauses is not understood.

    Args:
        linked: the conditions that a part of the question suggests.
    """
    asked = ((sentence, after(sentence, _PAIRS)) for sentence in sentences(question))
    tests = next((sentence[place:] for sentence, place in asked if place), None)
    sides = [] if tests is None else [_side(side, linked) for side in _OTHER.split(tests)]
    if not sides or len(sides) > 2 or not all(sides):
        return None
    return PairTests(sides[0], sides[-1])


def _side(text: str, linked: Callable[[str], Sequence[Condition]]) -> tuple[GroupTest, ...]:
    tests = [_test(clause, linked(clause)) for clause in _CLAUSE.split(text)]
    return tuple(test for test in tests if test) if all(tests) else ()


def _test(clause: str, conditions: Sequence[Condition]) -> GroupTest | None:
    """Values of one field in a clause are alternatives; what all items of a value must meet, none of them may fail."""
    first = next((condition for condition in conditions if condition.operator in ("=", "any")), None)
    if first is None:
        return None
    same = [condition for condition in conditions if condition.field == first.field and condition.operator == "="]
    values = Condition(first.field, "any", [condition.value for condition in same]) if len(same) > 1 else first
    rest = [condition for condition in conditions if condition.field != first.field]
    if _EVERY.match(clause):
        failed = [Condition(c.field, _OPPOSITE[c.operator], c.value) for c in rest if c.operator in _OPPOSITE]
        return GroupTest((values, *failed), "==", 0) if len(failed) == 1 else None
    stated = next((c for c in comparisons(clause) if not c.bare and isinstance(c.value, float)), None)
    if stated is not None and isinstance(stated.value, float):
        return GroupTest((values, *rest), "==" if stated.op == "=" else stated.op, int(stated.value))
    return GroupTest((values, *rest), *(("==", 0) if _NO.search(clause) else (">=", 1)))
