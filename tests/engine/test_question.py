"""Questions that are made to cost more than their length: what looks at one comes to its end.

They are looked at in a child with a limit of the processor's time, so that nothing is measured: what does not end is
killed by the kernel. All of it takes a second or two.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from rlm_local.engine.authors.asked import named_tables, years
from rlm_local.engine.authors.card import card, hints
from rlm_local.engine.question import LONGEST_QUESTION, check_question
from rlm_local.errors import UsageError
from tests.engine.records import records

ROOT = Path(__file__).parents[2]
SECONDS = 60
PIECES = (
    "a", "(", '"', "'", " ", "\n", "1", "9,", "1-", "a1", "a-", "A ", "Ada ", "two or ", "at least ", "between 1 and ",
    "March 1 ", "1 of ", "Q1 ", "2024-", "is more ", "is more than ", "pair ", "pairs such that ", "labels: a, ",
    "not ", "or ", "visits ", "Surgery ", "\u4e2d",
)  # fmt: skip


def filled(piece: str) -> str:
    return f"is {piece * LONGEST_QUESTION}"[: LONGEST_QUESTION - 1] + "?"


def look_at_all() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    view = records()
    tables = view.collection.tables
    for piece in PIECES:
        question = filled(piece)
        named_tables(tables, question)
        years(question)
        mentions = view.mentions(question)
        card(tables, view.collection.references, question, mentions)
        hints(tables, mentions)
        view.unheard(question)


def test_no_question_costs_more_than_its_length() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", "from tests.engine.test_question import look_at_all; look_at_all()"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("question", ["", " \n", "x" * (LONGEST_QUESTION + 1)])
def test_a_question_says_something_and_is_no_book(question: str) -> None:
    with pytest.raises(UsageError):
        check_question(question)
