"""Categories that a question lists and no field has: the model sorts items by them, and they become a field."""

import re

from rlm_local.engine.guided.plan import Classes, Condition

_MOST = 20
_LONGEST = 6  # words of a category's name
_LISTED = re.compile(
    r"\b(?P<noun>label|categor(?:y|ie)|class(?:e)?|type|kind|topic|theme|group|sort)s?(?:\s+(?:are|is))?\s*:\s*"
    r"(?P<names>[^.:;?!\n]+)[.;?!]?",
    re.IGNORECASE,
)


def listed_classes(question: str) -> tuple[Classes | None, str]:
    """The categories that a question lists after a colon ("one of these labels: bill, order, praise"), if it does; and
    the question without the list."""
    match = _LISTED.search(question)
    names = _names(match["names"]) if match else ()
    if not match or not 2 <= len(names) <= _MOST:
        return None, question
    noun = re.sub(r"ie$", "y", match["noun"].lower()).replace("classe", "class")
    return Classes(noun, names), f"{question[: match.start('names')]}... {question[match.end() :]}"


def mentioned_classes(classes: Classes, question: str) -> tuple[Condition, ...]:
    """The tests on their field that a question suggests, in its order."""
    said = question.lower()
    named = sorted((said.find(name.lower()), name) for name in classes.names)
    return tuple(Condition(classes.field, "=", name, name) for at, name in named if at >= 0)


def _names(text: str) -> tuple[str, ...]:
    parts = text.split(",") if "," in text else re.split(r"\s+(?:and|or)\s+", text)
    names = (re.sub(r"^(?:and|or)\s+", "", part.strip().strip("\"'")) for part in parts)
    return tuple(dict.fromkeys(name for name in names if name and len(name.split()) <= _LONGEST))
