import threading
from concurrent.futures import ThreadPoolExecutor

from rlm_local.models.cancel import Cancel
from rlm_local.models.result import Usage
from tests.models.decoding import FakeDecoder, Noted, Reply, arriving, expected, run, scheduling, until


def test_a_short_prompt_need_not_wait_for_a_long_one():
    both = threading.Event()
    decoder = FakeDecoder(before=lambda _: both.wait(10))
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(2) as pool:
        long = pool.submit(run, scheduler, [Reply([1] * 640)])
        until(lambda: decoder.decodes)
        short = pool.submit(run, scheduler, [Reply([2, 3])])
        until(lambda: scheduler._inbox)
        both.set()
        long.result(10)
        short.result(10)
    assert {2, 3} <= set(decoder.decodes[1]), "all of the short one is in the next decode"
    assert len(decoder.decodes) == 11


def test_a_big_request_is_not_starved_by_small_ones():
    decoder = FakeDecoder(cells=100)
    big, small = Noted(decoder, [2] * 90), Noted(decoder, [3] * 40, 9)
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(1) as pool, arriving(decoder, 1) as arrive:
        pool.submit(run, scheduler, [Reply([1], 20)])
        arrive(scheduler, lambda: run(scheduler, [big]))
        arrive(scheduler, lambda: run(scheduler, [small]))
    assert 20 < big.decodes[0] < small.decodes[0]


def test_a_new_run_decides_within_two_decodes_whatever_map_is_running():
    decoder = FakeDecoder(cells=2000)
    decision = Noted(decoder, [7] * 60)
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(1) as pool:
        with arriving(decoder, 5) as arrive:
            leaves = [[1, 2, 3, number % 7, *divmod(number, 50)] for number in range(3000)]
            leaf_map = pool.submit(run, scheduler, [Reply(leaf, 3) for leaf in leaves])
            arrive(scheduler, lambda: run(scheduler, [decision], urgent=True))
        assert [written for written, _ in leaf_map.result(30)] == [expected(leaf, 3) for leaf in leaves]
    assert decision.decodes == [6], "one decode was running, the next decides"


def test_an_urgent_call_takes_room_and_what_gave_way_goes_on():
    decoder = FakeDecoder(cells=100)
    decision = Noted(decoder, [7] * 30)
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(1) as pool:
        with arriving(decoder, 5) as arrive:
            replies = [Reply([1, 2, number], 30) for number in range(3)]
            long = pool.submit(run, scheduler, replies)
            arrive(scheduler, lambda: run(scheduler, [decision], urgent=True))
        results = long.result(10)
    assert decision.decodes == [6]
    assert [written for written, _ in results] == [expected([1, 2, number], 30) for number in range(3)]
    usage = sum((usage for _, usage in results), Usage())
    written = 3 * 29 + 30  # the last token of a reply is not evaluated
    assert usage.prompt_tokens + written == sum(map(len, decoder.decodes)), "what was evaluated again is counted"


def test_urgent_calls_do_not_starve_the_others():
    decoder = FakeDecoder(cells=5000)
    patient = Noted(decoder, [1] * 10, 4)
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(1) as pool, arriving(decoder, 1) as arrive:
        pool.submit(run, scheduler, [Reply([0])])
        arrive(scheduler, lambda: run(scheduler, [Reply([2 + n, *[5] * 600]) for n in range(4)], urgent=True))
        arrive(scheduler, lambda: run(scheduler, [patient]))
    assert patient.decodes[-1] < 25, "2,400 urgent tokens take 38 decodes of 64"


def test_two_runs_share_alike():
    decoder = FakeDecoder(cells=5000)
    small = [Noted(decoder, [1, *divmod(number, 9)]) for number in range(60)]
    large = [Noted(decoder, [2, *divmod(number, 9), *[5] * 27]) for number in range(60)]
    with scheduling(decoder, batch=60) as scheduler, ThreadPoolExecutor(1) as pool:
        with arriving(decoder, 1) as arrive:
            first = pool.submit(run, scheduler, [Reply([0])])
            one, other = Cancel(), Cancel()
            for start in range(0, 60, 20):  # three calls of one run, and one call of another
                some = large[start : start + 20]
                arrive(scheduler, lambda some=some: run(scheduler, some, one))
            arrive(scheduler, lambda: run(scheduler, small, other))
        first.result(10)
    done = max(task.decodes[0] for task in small)
    served = sum(len(task.tokens) for task in large if task.decodes[0] <= done)
    assert served <= 2 * sum(len(task.tokens) for task in small), "by tokens, not by calls or tasks"
