import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import Cancelled, DeadlineExceeded
from rlm_local.models.job import Text
from rlm_local.models.result import Usage
from tests.models.decoding import FakeDecoder, Reply, expected, run, scheduling, until


def test_what_is_cancelled_is_gone_by_the_next_decode():
    cancel = Cancel()

    def stop_at_three(decoder: FakeDecoder) -> None:
        if len(decoder.decodes) == 3:
            cancel.cancel()

    decoder = FakeDecoder(before=stop_at_three)
    replies = [Reply([9, index], 100) for index in range(3)]
    with scheduling(decoder) as scheduler:
        with pytest.raises(Cancelled):
            run(scheduler, [*replies, *(Reply([9, 9, index], 100) for index in range(30))], cancel)
        assert run(scheduler, [Reply([5, 6])])[0][0] == expected([5, 6], 1)
        assert len(decoder.decodes) == 4, "the cancelled replies would have taken a hundred"
    assert [reply.closed for reply in replies] == [1, 1, 1]


def test_the_caller_of_a_cancelled_call_does_not_wait_for_the_decode():
    release = threading.Event()
    decoder = FakeDecoder(before=lambda _: release.wait(10))
    cancel = Cancel()
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(1) as pool:
        call = pool.submit(run, scheduler, [Reply([1])], cancel)
        until(lambda: decoder.decodes)
        cancel.cancel()
        with pytest.raises(Cancelled):
            call.result(10)
        release.set()


def test_a_deadline_frees_the_caller_and_drops_the_work():
    release = threading.Event()
    decoder = FakeDecoder(before=lambda _: release.wait(10))
    with scheduling(decoder) as scheduler:
        with pytest.raises(DeadlineExceeded):
            run(scheduler, [Reply([1], 900)], Cancel(deadline=time.monotonic() + 0.05))
        release.set()
    assert len(decoder.decodes) == 1


def test_a_call_that_is_cancelled_before_it_starts_costs_nothing():
    cancel = Cancel()
    cancel.cancel()
    decoder = FakeDecoder()
    with scheduling(decoder) as scheduler, pytest.raises(Cancelled):
        run(scheduler, [Reply([1])], cancel)
    assert decoder.decodes == []


def test_a_reply_that_is_left_unread_is_dropped():
    decoder = FakeDecoder()
    with scheduling(decoder) as scheduler:
        events = scheduler.run([Reply([1], 900)], None)
        assert isinstance(next(events), Text)
        events.close()
        run(scheduler, [Reply([2])])
        assert len(decoder.decodes) < 100


def test_a_decode_that_nobody_waits_for_is_ended():
    cancel = Cancel()

    def leave(decoder: FakeDecoder) -> None:
        if len(decoder.decodes) == 2:
            cancel.cancel()
            until(lambda: decoder.interrupted)

    decoder = FakeDecoder(before=leave)
    with scheduling(decoder) as scheduler:
        with pytest.raises(Cancelled):
            run(scheduler, [Reply([1, 2], 50)], cancel)
        assert run(scheduler, [Reply([1, 2, 3], 5)])[0][0] == expected([1, 2, 3], 5)
        assert scheduler.meter.decodes == len(decoder.decodes)
    assert not decoder.interrupted


def test_a_decode_that_others_wait_for_goes_on():
    cancel = Cancel()
    seen: list[bool] = []

    def leave(decoder: FakeDecoder) -> None:
        if len(decoder.decodes) == 1:
            until(lambda: len(scheduler._inbox) == 2)
        elif len(decoder.decodes) == 3:
            cancel.cancel()
            until(leaving.done)
            seen.append(decoder.interrupted)

    decoder = FakeDecoder(before=leave)
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(3) as pool:
        first = pool.submit(run, scheduler, [Reply([0])])
        until(lambda: decoder.decodes)
        leaving = pool.submit(run, scheduler, [Reply([4, 5], 50)], cancel)
        staying = pool.submit(run, scheduler, [Reply([6], 20)])
        assert staying.result(10)[0][0] == expected([6], 20)
        first.result(10)
        assert isinstance(leaving.exception(10), Cancelled)
    assert seen == [False]


def test_what_was_evaluated_for_nothing_is_on_the_error():
    cancel = Cancel()
    decoder = FakeDecoder(before=lambda decoder: cancel.cancel() if len(decoder.decodes) == 3 else None)
    with scheduling(decoder) as scheduler, pytest.raises(Cancelled) as caught:
        run(scheduler, [Reply([1] * 10, 50)], cancel)
    assert caught.value.usage == Usage(prompt_tokens=12)
