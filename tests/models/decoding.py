"""A context that fakes llama.cpp, tasks for it, and a scheduler over both."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from rlm_local.models.adapters import NO_ADAPTERS, AdapterSet
from rlm_local.models.cancel import Cancel
from rlm_local.models.job import Done, Task
from rlm_local.models.llama import Batch
from rlm_local.models.result import Usage
from rlm_local.models.scheduler import Scheduler
from rlm_local.models.shelf import Shelf

VOCABULARY = 11
ADAPTED = AdapterSet(b"adapter")


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

    def __init__(self, prompt: Sequence[int], count: int = 1, *, fixed: tuple[int, ...] = ()) -> None:
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
