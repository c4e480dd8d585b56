"""Two values of a field, compared by how many items have them: "more, fewer or as many", or yes and no."""

import re
from collections.abc import Sequence

from rlm_local.engine.guided.order import after, sentences
from rlm_local.engine.guided.plan import Condition, Versus

_WORDED = re.compile(
    r"\b(?P<more>more\s+\w+),?\s*(?:or\s+)?(?P<fewer>(?:less|fewer)\s+\w+),?\s*or\s+(?P<same>(?:equally|as)\s+\w+)",
    re.I,
)
_YES_OR_NO = (
    re.compile(r"\b(?:is|are|was|were|did|do|does|has|have)\b", re.I),
    re.compile(r"\bmore\b", re.I),
    re.compile(r"\bthan\b", re.I),
)
"""What a sentence has, in this order, that asks whether there is more of one than of the other."""


def versus(question: str, conditions: Sequence[Condition]) -> Versus | None:
    """What a question compares, of the tests that it suggests; None where it does not compare two values of a field."""
    replies = _replies(question)
    said = question.lower()
    for field in dict.fromkeys(condition.field for condition in conditions):
        named = {c.surface: c for c in conditions if c.field == field and c.operator == "="}
        if replies and len(named) == 2:
            first, second = sorted(named.values(), key=lambda condition: said.find(condition.surface.lower()))
            return Versus(first, second, replies)
    return None


def _replies(question: str) -> tuple[str, str, str] | None:
    worded = _WORDED.search(question)
    if worded:
        return worded["more"], worded["fewer"], worded["same"]
    return ("yes", "no", "no") if any(after(sentence, _YES_OR_NO) for sentence in sentences(question)) else None
