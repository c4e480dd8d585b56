from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.bench.examples import Policy, Result, ask_all, report, wilson
from rlm_local.bench.scoring import Task
from rlm_local.engine.answer import Answer, Ended, Usage
from rlm_local.errors import RlmLocalError

TASKS = [
    Task("c1", "count", "How many?", (Path("r"),), "number", 12),
    Task("l1", "list", "Who?", (Path("r"),), "set", ("Ann", "Bob")),
]


def answer(text: str, ended: Ended = Ended.ANSWERED) -> Answer:
    return Answer("r1", "How many?", text, True, ended, (), Usage(100, 5, 1, 1, 0, 2.5), "tiny", "rules")


def test_every_task_is_asked_under_both_policies_and_scored() -> None:
    def ask(task: Task, policy: Policy) -> Answer:
        return answer("12" if policy == "rules" else "Ann")

    results = list(ask_all(TASKS, ask, direct=True))
    assert [(r.id, r.policy, round(r.score, 2)) for r in results] == [
        ("c1", "rules", 1.0),
        ("l1", "rules", 0.0),
        ("c1", "direct", 0.0),
        ("l1", "direct", 0.67),
    ]
    assert results[0] == Result(
        "c1", "count", "How many?", "12", "rules", "r1", "12", True, "answered", "", 1.0, 105, 2.5, 1
    )
    assert results[1].expected == "Ann, Bob"


def test_what_is_known_is_not_asked_again() -> None:
    [first, *_] = ask_all(TASKS, lambda *_: answer("12"), direct=False)
    asked: list[tuple[str, str]] = []

    def ask(task: Task, policy: Policy) -> Answer:
        asked.append((task.id, policy))
        return answer("12")

    results = list(ask_all(TASKS, ask, direct=True, known=[replace(first, answer="known")]))
    assert asked == [("l1", "rules"), ("c1", "direct"), ("l1", "direct")]
    assert results[0].answer == "known"


def test_a_question_that_fails_is_a_miss_whatever_it_says() -> None:
    def ask(task: Task, _policy: Policy) -> Answer:
        if task.id == "c1":
            return answer("12", Ended.ERROR)
        raise RlmLocalError("no such path")

    broken, refused = ask_all(TASKS, ask, direct=False)
    assert (broken.score, refused.score) == (0.0, 0.0)
    assert (refused.ended, refused.error) == ("error", "no such path")


def test_the_report_has_a_row_for_each_kind_and_for_all() -> None:
    results = list(ask_all(TASKS, lambda task, policy: answer("12" if policy == "rules" else "?"), direct=True))
    rows = report(results)
    assert [(row.kind, row.engine.n, row.engine.score) for row in rows] == [
        ("count", 1, 1),
        ("list", 1, 0),
        ("all", 2, 0.5),
    ]
    assert rows[-1].direct is not None
    assert (rows[-1].direct.score, rows[-1].direct.tokens, rows[-1].direct.seconds) == (0, 105, 2.5)
    assert report([]) == []


def test_wilson_agrees_with_the_textbook() -> None:
    assert wilson(0.8, 50) == pytest.approx((0.670, 0.888), abs=0.0005)
    assert wilson(1.0, 10) == pytest.approx((0.722, 1.0), abs=0.0005)


@given(st.floats(0, 1), st.integers(1, 10_000))
def test_an_interval_holds_its_mean_and_narrows_with_n(mean: float, n: int) -> None:
    low, high = wilson(mean, n)
    assert 0 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= 1
    wider_low, wider_high = wilson(mean, max(1, n // 2))
    assert high - low <= wider_high - wider_low + 1e-12
