"""Labels of columns in one line and short; those of one question of a survey keep the answer that each is about.

A survey exports "Which of these do you eat at breakfast? Select all that apply. - Bread" as a column for each answer.
Cut at their end all of them would be one label.
"""

import os.path
from collections import defaultdict
from collections.abc import Sequence

from rlm_local.collection.safe import line

LONGEST = 80
"""Characters of a label."""

_WHOLE = 1_000
_ALIKE, _BEGINNING = 40, 30
"""Characters: labels that begin with as many of the same are of one question; what is kept of the question."""

_MARKS = " -:|>/[(\u2013\u2014"


def shortened(labels: Sequence[str]) -> list[str]:
    """The labels, in their order; empty ones stay empty."""
    wholes = [line(label, _WHOLE) for label in labels]
    alike: dict[str, list[str]] = defaultdict(list)
    for whole in wholes:
        if len(whole) > _ALIKE:
            alike[whole[:_ALIKE]].append(whole)
    questions = {beginning: _question(group) for beginning, group in alike.items() if len(group) > 1}
    return [_short(whole, questions.get(whole[:_ALIKE], "")) for whole in wholes]


def _question(labels: list[str]) -> str:
    """The words that all begin with."""
    shared = os.path.commonprefix(labels)  # noqa: RUF071 - by character is what is wanted
    ends = all(label[len(shared) :][:1] in ("", *_MARKS) for label in labels)
    return shared if ends else shared[: shared.rfind(" ") + 1]


def _short(label: str, question: str) -> str:
    answer = label[len(question) :].lstrip(_MARKS)
    if not question or not answer:
        return label[:LONGEST]
    beginning = question[:_BEGINNING].rpartition(" ")[0] or question[:_BEGINNING]
    return f"{beginning} \u2026 {answer}"[:LONGEST]
