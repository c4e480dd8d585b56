import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_local.models.adapters import NO_ADAPTERS
from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import Cancelled, EngineError
from rlm_local.models.job import Done, Text
from rlm_local.models.result import Usage
from rlm_local.models.scheduler import Scheduler
from tests.models.decoding import ADAPTED, Broken, FakeDecoder, Reply, expected, run, scheduling, until

prompts = st.lists(st.integers(0, 2), min_size=1, max_size=60)


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    """One call of random traffic: what it asks, and how it ends if not by itself."""
    return {
        "tasks": draw(st.lists(st.tuples(prompts, st.integers(1, 12)), max_size=12)),
        "urgent": draw(st.booleans()),
        "adapters": draw(st.sampled_from([NO_ADAPTERS, NO_ADAPTERS, ADAPTED])),
        "cancelled_at": draw(st.none() | st.integers(1, 12)),  # the number of a decode
        "broken": draw(st.sampled_from([False, False, False, True])),
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(jobs(), min_size=1, max_size=5), st.integers(72, 300), st.sampled_from([4, 16, 64]))
def test_random_traffic_agrees_with_one_sequence_at_a_time(jobs: list[dict[str, Any]], cells: int, batch: int):
    """Whatever comes together, whatever gives way and whoever leaves: the answers are those of each prompt alone."""
    cancels = [Cancel() for _ in jobs]

    def leave(decoder: FakeDecoder) -> None:
        for job, cancel in zip(jobs, cancels, strict=True):
            if job["cancelled_at"] == len(decoder.decodes):
                cancel.cancel()

    decoder = FakeDecoder(cells, before=leave)
    made = [[(Broken if job["broken"] else Reply)(*task) for task in job["tasks"]] for job in jobs]
    with scheduling(decoder, batch=batch) as scheduler, ThreadPoolExecutor(len(jobs)) as pool:
        calls = [
            pool.submit(run, scheduler, tasks, cancel, urgent=job["urgent"], adapters=job["adapters"])
            for job, tasks, cancel in zip(jobs, made, cancels, strict=True)
        ]
        for job, cancel, call in zip(jobs, cancels, calls, strict=True):
            try:
                written = [written for written, _ in call.result(timeout=30)]
            except Cancelled:
                assert cancel.cancelled
            except ZeroDivisionError:
                assert job["broken"]
            else:
                assert written == [expected(*task, job["adapters"]) for task in job["tasks"]]
    assert all(len(tokens) <= batch for tokens in decoder.decodes)
    assert all(task.closed == 1 for tasks in made for task in tasks), "each task is closed, and once"


def test_a_shared_prefix_is_evaluated_once():
    prefix = list(range(3, 103))
    decoder = FakeDecoder()
    with scheduling(decoder) as scheduler:
        results = run(scheduler, [Reply([*prefix, index]) for index in range(20)])
    usage = sum((usage for _, usage in results), Usage())
    assert sum(map(len, decoder.decodes)) == usage.prompt_tokens == len(prefix) + 20
    assert usage.cached_tokens == 19 * len(prefix)


def test_every_level_of_a_prefix_is_evaluated_once():
    examples, questions = list(range(3, 103)), [[200 + number] * 70 for number in range(3)]
    prompts = [[*examples, *question, *[300 + item] * 5] for question in questions for item in range(6)]
    decoder = FakeDecoder()
    with scheduling(decoder, batch=512) as scheduler:
        run(scheduler, [Reply(prompt) for prompt in prompts])
    assert sum(map(len, decoder.decodes)) == 100 + 3 * 70 + 18 * 5


def test_a_short_beginning_is_evaluated_once_where_many_share_it():
    decoder = FakeDecoder()
    with scheduling(decoder) as scheduler:
        run(scheduler, [Reply([1, 2, 3, 10 + index]) for index in range(12)])
    assert sum(map(len, decoder.decodes)) == 3 + 12


def test_text_comes_before_the_result_and_in_order():
    with scheduling(FakeDecoder()) as scheduler:
        events = list(scheduler.run([Reply([1, 2], 5)], None))
    assert isinstance(events[-1], Done)
    assert "".join(event.text for event in events if isinstance(event, Text)) == "".join(map(str, expected([1, 2], 5)))


def test_a_decode_is_for_one_set_of_adapters():
    decoder = FakeDecoder()
    prompts = [[3, 4, 5, number] * 5 for number in range(6)]
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(2) as pool:
        calls = {
            adapters: pool.submit(run, scheduler, [Reply(prompt, 5) for prompt in prompts], adapters=adapters)
            for adapters in (NO_ADAPTERS, ADAPTED)
        }
        for adapters, call in calls.items():
            assert [written for written, _ in call.result(10)] == [expected(each, 5, adapters) for each in prompts]


def test_an_errand_runs_between_decodes():
    decoder = FakeDecoder()
    running: list[bool] = []
    decoder.before = lambda _: (running.append(True), time.sleep(0), running.append(False))[0]
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(1) as pool:
        call = pool.submit(run, scheduler, [Reply([1], 50)])
        assert not any(scheduler.between(lambda: running[-1:] == [True]) for _ in range(10))
        with pytest.raises(ZeroDivisionError):
            scheduler.between(lambda: 1 // 0)
        assert call.result(10)[0][0] == expected([1], 50)
    with pytest.raises(EngineError, match="closed"):
        scheduler.between(lambda: None)


def test_calls_that_fail_together_have_errors_of_their_own():
    def fail(decoder: FakeDecoder) -> None:
        until(lambda: len(scheduler._inbox) == 1)
        raise EngineError("llama_decode failed with -3")

    decoder = FakeDecoder(before=fail)
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(2) as pool:
        first = pool.submit(run, scheduler, [Reply([1] * 10)])
        until(lambda: decoder.decodes)
        second = pool.submit(run, scheduler, [Reply([2] * 20)])
        errors = [first.exception(10), second.exception(10)]
    assert [error.usage.prompt_tokens for error in errors if isinstance(error, EngineError)] == [10, 0]


def test_a_failed_decode_fails_what_is_under_way_and_nothing_else():
    def fail_once(decoder: FakeDecoder) -> None:
        if len(decoder.decodes) == 2:
            raise EngineError("llama_decode failed with -3")

    decoder = FakeDecoder(before=fail_once)
    reply = Reply([1, 2], 10)
    with scheduling(decoder) as scheduler:
        with pytest.raises(EngineError, match="-3"):
            run(scheduler, [reply])
        assert decoder.sequences == {}, "KV after a failure cannot be trusted"
        assert run(scheduler, [Reply([1, 2], 3)])[0][0] == expected([1, 2], 3)
    assert reply.closed == 1


def test_a_task_that_fails_fails_its_own_call():
    with scheduling(FakeDecoder()) as scheduler, ThreadPoolExecutor(2) as pool:
        good = pool.submit(run, scheduler, [Reply([4], 30)])
        bad = pool.submit(run, scheduler, [Reply([1], 50), Broken([2])])
        with pytest.raises(ZeroDivisionError):
            bad.result(10)
        assert good.result(10)[0][0] == expected([4], 30)


def test_closing_fails_what_is_waiting_and_frees_the_context():
    gate = threading.Event()
    decoder = FakeDecoder(before=lambda _: gate.wait(10))
    scheduler = Scheduler(decoder, sequences=8, batch=64, shelf=None)
    with ThreadPoolExecutor(2) as pool:
        call = pool.submit(run, scheduler, [Reply([1], 500)])
        until(lambda: decoder.decodes)
        closing = pool.submit(scheduler.close)
        until(lambda: scheduler._closing)
        gate.set()
        with pytest.raises(EngineError, match="closed"):
            call.result(10)
        closing.result(10)
    assert decoder.closed
    with pytest.raises(EngineError, match="closed"):
        run(scheduler, [Reply([1])])


def test_a_task_that_can_never_fit_is_refused():
    with scheduling(FakeDecoder(cells=100)) as scheduler:
        with pytest.raises(EngineError, match="no room"):
            run(scheduler, [Reply([1], 100)])
        assert run(scheduler, [Reply([1], 99)])[0][0] == expected([1], 99)


def test_no_tasks_no_work():
    decoder = FakeDecoder()
    with scheduling(decoder) as scheduler:
        assert run(scheduler, []) == []
        assert run(scheduler, [Reply([1])])[0][0] == expected([1], 1)
