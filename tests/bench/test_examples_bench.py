from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.bench.examples import Result, ask_all, report, wilson
from rlm_local.bench.scoring import Task
from rlm_local.engine.answer import Answer, Ended, Usage
from rlm_local.errors import RlmLocalError

TASKS = [
    Task("c1", "count", "How many?", (Path("r"),), "number", 12),
    Task("l1", "list", "Who?", (Path("r"),), "set", ("Ann", "Bob")),
]

BOTH = ("rules", "direct")


def answer(text: str, ended: Ended = Ended.ANSWERED) -> Answer:
    return Answer("r1", "How many?", text, True, ended, (), Usage(100, 5, 1, 1, 0, 2.5), "tiny", "rules")


def test_every_task_is_asked_under_both_policies_and_scored() -> None:
    def ask(task: Task, policy: str) -> Answer:
        return answer("12" if policy == "rules" else "Ann")

    results = list(ask_all(TASKS, ask, BOTH))
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
    [first, *_] = ask_all(TASKS, lambda *_: answer("12"), ["rules"])
    asked: list[tuple[str, str]] = []

    def ask(task: Task, policy: str) -> Answer:
        asked.append((task.id, policy))
        return answer("12")

    results = list(ask_all(TASKS, ask, BOTH, known=[replace(first, answer="known")]))
    assert asked == [("l1", "rules"), ("c1", "direct"), ("l1", "direct")]
    assert results[0].answer == "known"


def test_a_question_that_fails_is_a_miss_whatever_it_says() -> None:
    def ask(task: Task, _policy: str) -> Answer:
        if task.id == "c1":
            return answer("12", Ended.ERROR)
        raise RlmLocalError("no such path")

    broken, refused = ask_all(TASKS, ask, ["rules"])
    assert (broken.score, refused.score) == (0.0, 0.0)
    assert (refused.ended, refused.error) == ("error", "no such path")


def test_the_report_has_a_row_for_each_kind_and_for_all() -> None:
    results = list(ask_all(TASKS, lambda task, policy: answer("12" if policy == "rules" else "?"), BOTH))
    rows = report(results)
    assert [(row.kind, row.policy, row.share.n, row.share.score) for row in rows] == [
        ("count", "rules", 1, 1),
        ("list", "rules", 1, 0),
        ("count", "direct", 1, 0),
        ("list", "direct", 1, 0),
        ("all", "rules", 2, 0.5),
        ("all", "direct", 2, 0),
    ]
    assert (rows[-1].share.tokens, rows[-1].share.seconds) == (105, 2.5)
    assert report([]) == []


def test_an_oracle_takes_the_best_forced_action_of_each_question_and_of_equals_the_cheapest() -> None:
    forced = ["forced:SEARCH", "forced:MAP"]

    def ask(task: Task, policy: str) -> Answer:
        right = policy == "forced:MAP" or task.id == "l1"
        tokens = 10 if policy == "forced:SEARCH" else 1000
        return replace(answer({"c1": "12", "l1": "Ann, Bob"}[task.id] if right else "?"), usage=Usage(tokens))

    oracle = report([*ask_all(TASKS, ask, forced)])[-1]
    assert (oracle.kind, oracle.policy, oracle.share.n) == ("all", "oracle", 2)
    assert (oracle.share.score, oracle.share.tokens) == (1.0, (1000 + 10) / 2)


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
