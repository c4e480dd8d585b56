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

from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import Cancelled, DeadlineExceeded, EngineError
from rlm_local.models.llama import Batch
from rlm_local.models.result import Usage
from rlm_local.models.scheduler import Done, Scheduler, Task, Text
from rlm_local.models.shelf import Shelf

VOCABULARY = 11


def next_token(tokens: Sequence[int]) -> int:
    """What the fake model writes after some tokens; every token counts."""
    value = 1
    for token in tokens:
        value = (value * 31 + token + 7) % 1_000_003
    return value % VOCABULARY


class FakeDecoder:
    """A context that holds tokens in place of KV, and fails where llama.cpp would."""

    def __init__(self, cells: int = 1000, *, before: Callable[["FakeDecoder"], None] = lambda decoder: None) -> None:
        self.cells = cells
        self.before = before
        self.sequences: dict[int, list[tuple[int, object]]] = {}
        self.decodes: list[list[int]] = []  # the tokens of each
        self.closed = False
        self._rows: dict[int, int] = {}

    def decode(self, batch: Batch) -> None:
        struct = batch.struct()
        self.decodes.append(struct.token[: struct.n_tokens])
        self.before(self)
        self._rows.clear()
        for row in range(struct.n_tokens):
            cells = self.sequences.setdefault(struct.seq_id[row][0], [])
            assert struct.pos[row] == len(cells), "positions must follow on"
            cells.append((struct.token[row], object()))
            if struct.logits[row]:
                self._rows[row] = next_token([token for token, _ in cells])
        assert len({cell for cells in self.sequences.values() for _, cell in cells}) <= self.cells, "no room"

    def logits(self, row: int) -> np.ndarray:
        logits = np.zeros(VOCABULARY, np.float32)
        logits[self._rows[row]] = 1.0
        return logits

    def copy(self, source: int, target: int, length: int) -> None:
        assert not self.sequences.get(target)
        self.sequences[target] = self.sequences[source][:length]

    def remove(self, sequence: int) -> None:
        self.sequences.pop(sequence, None)

    def clear(self) -> None:
        self.sequences.clear()

    def save(self, sequence: int) -> bytes:
        return bytes(token for token, _ in self.sequences[sequence])

    def restore(self, sequence: int, state: bytes, length: int) -> bool:
        self.sequences[sequence] = [(token, object()) for token in state]
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


class Broken(Reply):
    def step(self, logits: np.ndarray, emit: Callable[[str], None]) -> int | None:
        raise ZeroDivisionError("in the task")


def expected(prompt: Sequence[int], count: int) -> list[int]:
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(next_token(tokens))
    return tokens[len(prompt) :]


@contextmanager
def scheduling(decoder: FakeDecoder, *, batch: int = 64, shelf: Shelf | None = None) -> Iterator[Scheduler]:
    scheduler = Scheduler(decoder, sequences=8, batch=batch, shelf=shelf)
    try:
        yield scheduler
    finally:
        scheduler.close()


def run(scheduler: Scheduler, tasks: Sequence[Task], cancel: Cancel | None = None) -> list[Any]:
    results: dict[int, Any] = {}
    for event in scheduler.run(tasks, cancel):
        if isinstance(event, Done):
            results[event.index] = event.result
    return [results[index] for index in range(len(tasks))]


def until(condition: Callable[[], object]) -> None:
    """Wait for what another thread is about to do."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.001)


tasks = st.lists(st.tuples(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(1, 12)), max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.lists(tasks, min_size=1, max_size=4), st.integers(72, 300), st.sampled_from([4, 16, 64]))
def test_replies_do_not_depend_on_how_they_are_batched(jobs: list[Any], cells: int, batch: int):
    decoder = FakeDecoder(cells)
    with scheduling(decoder, batch=batch) as scheduler, ThreadPoolExecutor(len(jobs)) as pool:
        runs = [pool.submit(run, scheduler, [Reply(*task) for task in job]) for job in jobs]
        for job, future in zip(jobs, runs, strict=True):
            assert [written for written, _ in future.result(timeout=30)] == [expected(*task) for task in job]
    assert all(len(tokens) <= batch for tokens in decoder.decodes)


def test_a_shared_prefix_is_evaluated_once():
    prefix = list(range(3, 103))
    decoder = FakeDecoder()
    with scheduling(decoder) as scheduler:
        results = run(scheduler, [Reply([*prefix, index]) for index in range(20)])
    usage = sum((usage for _, usage in results), Usage())
    assert sum(map(len, decoder.decodes)) == usage.prompt_tokens == len(prefix) + 20
    assert usage.cached_tokens == 19 * len(prefix)


def test_text_comes_before_the_result_and_in_order():
    with scheduling(FakeDecoder()) as scheduler:
        events = list(scheduler.run([Reply([1, 2], 5)], None))
    assert isinstance(events[-1], Done)
    assert "".join(event.text for event in events if isinstance(event, Text)) == "".join(map(str, expected([1, 2], 5)))


def test_a_short_prompt_need_not_wait_for_a_long_one():
    both = threading.Event()
    decoder = FakeDecoder(before=lambda _: both.wait(10))
    finished: list[str] = []
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(2) as pool:

        def call(name: str, prompt: list[int]) -> None:
            run(scheduler, [Reply(prompt)])
            finished.append(name)

        long = pool.submit(call, "long", [1] * 640)
        until(lambda: decoder.decodes)
        short = pool.submit(call, "short", [2, 3])
        until(lambda: scheduler._inbox)
        both.set()
        long.result(10)
        short.result(10)
    assert finished == ["short", "long"]
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
    gate = threading.Event()
    decoder.before = lambda _: gate.wait(10)
    finished: list[str] = []
    with scheduling(decoder) as scheduler, ThreadPoolExecutor(3) as pool:

        def call(name: str, task: Reply) -> None:
            run(scheduler, [task])
            finished.append(name)

        calls = [pool.submit(call, "running", Reply([1], 20))]
        until(lambda: decoder.decodes)
        for name, task in (("big", Reply([2] * 90)), ("small", Reply([3] * 40, 9))):
            calls.append(pool.submit(call, name, task))
            until(lambda: len(scheduler._inbox) == len(calls) - 1)
        gate.set()
        for each in calls:
            each.result(10)
    assert finished == ["running", "big", "small"]


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
