"""Twenty thousand leaf calls of all kinds, in pieces, with random cancels, deadlines and adapters: `pytest -m slow`."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import numpy as np
import pytest

from rlm_local.models import Cancel, Cancelled, LlamaEngine, Message, Prompt, Scores
from tests.models.lora import make_adapter

PIECES, CALLS = 16, 1250
OPTIONS = ("red", "blue", "green")
SETS: tuple[Mapping[str, float], ...] = ({}, {"first": 1.0}, {"second": 1.0})
NOISE = 0.6
WORDS = ("leaf", "sky", "blood", "sea", "moss", "rose", "snow", "coal", "sand", "wine", "corn", "rust")
HEADS = ("Name the colour.", "Which colour has it? Say only the colour.")
GRAMMAR = 'root ::= "<" [a-z]{1,3} ">"'
MOST_GROWTH = 60e6  # bytes of memory from the first quarter to the end


def shown(head: str, word: str) -> Prompt:
    return Prompt((Message("system", head), Message("user", word)))


def resident() -> int:
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])


class Traffic:
    """Calls at random, each checked against what the same prompt gave alone."""

    def __init__(self, engine: LlamaEngine, seed: int) -> None:
        self.engine = engine
        self.random = Random(seed)
        self.done = self.ended = 0
        self.furthest = 0.0
        self.expected = {
            (head, word, number): engine.choose([shown(head, word)], OPTIONS, adapters=SETS[number])[0]
            for number in range(len(SETS))
            for head in HEADS
            for word in WORDS
        }

    def call(self, random: Random) -> int:
        """One call of one to six prompts; how many."""
        number, head = random.randrange(len(SETS)), random.choice(HEADS)
        words = random.choices(WORDS, k=random.choice((1, 1, 2, 4, 6)))
        prompts = [shown(head, word) for word in words]
        cancel = Cancel(deadline=time.monotonic() + random.random() if random.random() < 0.1 else None)
        timer = threading.Timer(random.random() / 4, cancel.cancel) if random.random() < 0.1 else None
        if timer:
            timer.start()
        try:
            self._ask(random.random(), prompts, [(head, word, number) for word in words], SETS[number], cancel)
        except Cancelled:
            assert timer or cancel.deadline
            self.ended += 1
        finally:
            if timer:
                timer.cancel()
        return len(prompts)

    def _ask(
        self,
        kind: float,
        prompts: list[Prompt],
        keys: list[tuple[str, str, int]],
        adapters: Mapping[str, float],
        cancel: Cancel,
    ) -> None:
        if kind < 0.7:
            for key, score in zip(
                keys, self.engine.choose(prompts, OPTIONS, adapters=adapters, cancel=cancel), strict=True
            ):
                self._compare(self.expected[key], score)
        elif kind < 0.8:
            for made in self.engine.generate(prompts, max_tokens=3, adapters=adapters, cancel=cancel):
                assert len(made.token_ids) <= 3
                assert made.usage.completion_tokens == len(made.token_ids)
        elif kind < 0.9:
            for made in self.engine.extract(prompts, grammar=GRAMMAR, max_tokens=5, adapters=adapters, cancel=cancel):
                assert made.text.startswith("<")
        else:
            with self.engine.cursor(prompts[0], adapters=adapters, cancel=cancel) as cursor:
                choice = cursor.choose(OPTIONS)
                self._compare(self.expected[keys[0]], Scores(OPTIONS, choice.logprobs, choice.logprobs, cursor.usage))

    def _compare(self, expected: Scores, score: Scores) -> None:
        away = float(np.abs(np.array(expected.logprobs) - score.logprobs).max())
        self.furthest = max(self.furthest, away)
        assert away < NOISE, f"{score.logprobs} in place of {expected.logprobs}"


@pytest.mark.slow
@pytest.mark.parametrize("piece", range(PIECES))
def test_nothing_leaks_nothing_is_stuck_and_no_answer_is_wrong(piece: int, smollm_path: Path, tmp_path: Path):
    with LlamaEngine(smollm_path, name="smollm2-135m", n_ctx=2048) as engine:
        for seed, name in enumerate(("first", "second")):
            engine.load_adapter(name, make_adapter(tmp_path / f"{name}.gguf", smollm_path, seed=seed))
        traffic = Traffic(engine, piece)
        left, lock, memory = CALLS, threading.Lock(), dict[int, int]()

        def work(seed: int) -> None:
            nonlocal left
            random = Random(seed)
            while True:
                with lock:
                    if left <= 0:
                        return
                    if left <= 3 * CALLS // 4:
                        memory.setdefault(3, resident())
                count = traffic.call(random)
                with lock:
                    left -= count

        with ThreadPoolExecutor(8) as pool:
            for worker in [pool.submit(work, 100 * piece + number) for number in range(8)]:
                worker.result(3600)
        grown = resident() - memory[3]
        engine.choose([shown(HEADS[0], WORDS[0])], OPTIONS)
    print(
        f"{CALLS - left} calls, {traffic.ended} ended early, furthest {traffic.furthest:.2f}, {grown / 1e6:.0f} MB more"
    )
    assert traffic.ended > 0
    assert grown < MOST_GROWTH
