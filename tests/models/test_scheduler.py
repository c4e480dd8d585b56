import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_local.models.adapters import NO_ADAPTERS, AdapterSet
from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import Cancelled, DeadlineExceeded, EngineError
from rlm_local.models.job import Done, Task, Text
from rlm_local.models.llama import Batch
from rlm_local.models.result import Usage
from rlm_local.models.scheduler import Scheduler
from rlm_local.models.shelf import Shelf

VOCABULARY = 11


def next_token(tokens: Sequence[int], adapters: AdapterSet = NO_ADAPTERS) -> int:
    """What the fake model writes after some tokens; every token counts, and the adapters."""
    value = 1 + len(adapters.identity)
    for token in tokens:
        value = (value * 31 + token + 7) % 1_000_003
    return value % VOCABULARY


class FakeDecoder:
    """A context that holds tokens in place of KV, and fails where llama.cpp would."""

    def __init__(self, cells: int = 1000, *, before: Callable[["FakeDecoder"], None] = lambda decoder: None) -> None:
        self.cells = cells
        self.before = before
        self.adapters = NO_ADAPTERS
        self.sequences: dict[int, list[tuple[int, object]]] = {}
        self.decodes: list[list[int]] = []  # the tokens of each
        self.closed = False
        self.interrupted = False
        self._rows: dict[int, int] = {}
        self._under: dict[object, AdapterSet] = {}  # which adapters a cell was evaluated under

    def adapt(self, adapters: AdapterSet) -> None:
        self.adapters = adapters

    def decode(self, batch: Batch) -> bool:
        struct = batch.struct()
        self.decodes.append(struct.token[: struct.n_tokens])
        self.before(self)
        if self.interrupted:
            return False
        self._rows.clear()
        for row in range(struct.n_tokens):
            cells = self.sequences.setdefault(struct.seq_id[row][0], [])
            assert struct.pos[row] == len(cells), "positions must follow on"
            cells.append((struct.token[row], cell := object()))
            self._under[cell] = self.adapters
            assert all(self._under[cell] == self.adapters for _, cell in cells), "KV of other adapters"
            if struct.logits[row]:
                self._rows[row] = next_token([token for token, _ in cells], self.adapters)
        assert len({cell for cells in self.sequences.values() for _, cell in cells}) <= self.cells, "no room"
        return True

    def interrupt(self, wanted: bool) -> None:
        self.interrupted = wanted

    def logits(self, row: int) -> np.ndarray:
        logits = np.zeros(VOCABULARY, np.float32)
        logits[self._rows[row]] = 1.0
        return logits

    def copy(self, source: int, target: int, length: int) -> None:
        assert not self.sequences.get(target)
        self.sequences[target] = self.sequences[source][:length]

    def remove(self, sequence: int, start: int = 0) -> None:
        if start:
            del self.sequences[sequence][start:]
        else:
            self.sequences.pop(sequence, None)

    def clear(self) -> None:
        self.sequences.clear()

    def save(self, sequence: int) -> bytes:
        return bytes(token for token, _ in self.sequences[sequence])

    def restore(self, sequence: int, state: bytes, length: int) -> bool:
        self.sequences[sequence] = [(token, object()) for token in state]
        self._under |= {cell: AdapterSet() for _, cell in self.sequences[sequence]}
        return len(state) == length

    def close(self) -> None:
        self.closed = True


class Reply:
    """A task that writes some tokens."""

    def __init__(self, prompt: Sequence[int], count: int = 1, *, fixed: int = 0) -> None:
        self.tokens = np.array(prompt, np.int32)
        self.room = count
        self.fixed = fixed
        self.kept = False
        self.written: list[int] = []
        self.closed = 0

    def step(self, logits: np.ndarray, emit: Callable[[str], None]) -> int | None:
        self.written.append(int(logits.argmax()))
        emit(str(self.written[-1]))
        return None if len(self.written) == self.room else self.written[-1]

    def result(self, usage: Usage) -> Any:
        return self.written, usage

    def close(self) -> None:
        self.closed += 1


class Noted(Reply):
    """A reply that notes after which decodes it went on."""

    def __init__(self, decoder: FakeDecoder, prompt: Sequence[int], count: int = 1) -> None:
        super().__init__(prompt, count)
        self.decodes: list[int] = []
        self._decoder = decoder

    def step(self, logits: np.ndarray, emit: Callable[[str], None]) -> int | None:
        self.decodes.append(len(self._decoder.decodes))
        return super().step(logits, emit)


class Broken(Reply):
    def step(self, logits: np.ndarray, emit: Callable[[str], None]) -> int | None:
        raise ZeroDivisionError("in the task")


def expected(prompt: Sequence[int], count: int, adapters: AdapterSet = NO_ADAPTERS) -> list[int]:
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(next_token(tokens, adapters))
    return tokens[len(prompt) :]


@contextmanager
def scheduling(decoder: FakeDecoder, *, batch: int = 64, shelf: Shelf | None = None) -> Iterator[Scheduler]:
    scheduler = Scheduler(decoder, sequences=8, batch=batch, shelf=shelf)
    try:
        yield scheduler
    finally:
        scheduler.close()


def run(scheduler: Scheduler, tasks: Sequence[Task], cancel: Cancel | None = None, **how: Any) -> list[Any]:
    results: dict[int, Any] = {}
    for event in scheduler.run(tasks, cancel, **how):
        if isinstance(event, Done):
            results[event.index] = event.result
    return [results[index] for index in range(len(tasks))]


def until(condition: Callable[[], object]) -> None:
    """Wait for what another thread is about to do."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.001)


ADAPTED = AdapterSet(b"adapter")

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


def test_text_comes_before_the_result_and_in_order():
    with scheduling(FakeDecoder()) as scheduler:
        events = list(scheduler.run([Reply([1, 2], 5)], None))
    assert isinstance(events[-1], Done)
    assert "".join(event.text for event in events if isinstance(event, Text)) == "".join(map(str, expected([1, 2], 5)))


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


def test_a_big_request_is_not_starved_by_small_ones():
    decoder = FakeDecoder(cells=100)
    big, small = Noted(decoder, [2] * 90), Noted(decoder, [3] * 40, 9)
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(1) as pool, arriving(decoder, 1) as arrive:
        pool.submit(run, scheduler, [Reply([1], 20)])
        arrive(scheduler, lambda: run(scheduler, [big]))
        arrive(scheduler, lambda: run(scheduler, [small]))
    assert 20 < big.decodes[0] < small.decodes[0]


@contextmanager
def arriving(decoder: FakeDecoder, at: int) -> Iterator[Callable[[Scheduler, Callable[[], Any]], Any]]:
    """Calls that arrive while a certain decode is running, which ends when all of them are there."""
    with ThreadPoolExecutor(8) as pool:
        held = threading.Event()
        decoder.before = lambda decoder: (len(decoder.decodes) == at and held.wait(10), None)[1]
        calls: list[Any] = []

        def arrive(scheduler: Scheduler, call: Callable[[], Any]) -> Any:
            until(lambda: len(decoder.decodes) >= at)
            calls.append(pool.submit(call))
            until(lambda: len(scheduler._inbox) == len(calls))
            return calls[-1]

        yield arrive
        held.set()
        for call in calls:
            call.result(10)


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


def test_a_fixed_prompt_is_loaded_at_the_next_start(tmp_path: Path):
    fixed, prompts = list(range(50)), [[*range(50), 60 + index] for index in range(3)]
    first, second, third = FakeDecoder(), FakeDecoder(), FakeDecoder()
    with scheduling(first, shelf=Shelf(tmp_path, b"a")) as scheduler:
        run(scheduler, [Reply(prompt, fixed=len(fixed)) for prompt in prompts])
    with scheduling(second, shelf=Shelf(tmp_path, b"a")) as scheduler:
        results = run(scheduler, [Reply(prompt, fixed=len(fixed)) for prompt in prompts])
    assert [written for written, _ in results] == [expected(prompt, 1) for prompt in prompts]
    assert sorted(token for tokens in second.decodes for token in tokens) == [60, 61, 62]
    with scheduling(third, shelf=Shelf(tmp_path, b"other weights")) as scheduler:
        run(scheduler, [Reply(prompts[0], fixed=len(fixed))])
    assert sum(map(len, third.decodes)) == 51


def test_kept_kv_that_does_not_load_is_evaluated(tmp_path: Path):
    shelf = Shelf(tmp_path, b"a")
    prompt = list(range(20))
    shelf.save(np.array(prompt, np.int32), b"too short")
    with scheduling(FakeDecoder(), shelf=shelf) as scheduler:
        [(written, usage)] = run(scheduler, [Reply([*prompt, 5], fixed=20)])
    assert written == expected([*prompt, 5], 1)
    assert usage.prompt_tokens == 21
