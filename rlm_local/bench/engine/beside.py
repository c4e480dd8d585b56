"""What the engine is measured beside: llama.cpp with nothing around it, and the packaged API."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rlm_local.models import Prompt
from rlm_local.models.kv import common_prefix
from rlm_local.models.llama import Batch, Context, Weights

BATCH = 512  # what llama.cpp is fastest with
_SEQUENCES = 128


class Bare:
    """llama.cpp, given tokens that are laid out for it beforehand."""

    def __init__(self, path: Path, *, cells: int, threads: int) -> None:
        self._weights = Weights(path)
        self.context = Context(self._weights, cells=cells, sequences=_SEQUENCES, batch=BATCH, threads=threads)
        self._batch = Batch(BATCH)

    def evaluate(self, prompts: Sequence[Sequence[int]]) -> int:
        """Evaluate what the prompts share once, then their ends with logits after each; how many tokens that were."""
        rows = [np.asarray(prompt, np.int32) for prompt in prompts]
        shared = min(common_prefix(rows[0], row) for row in rows[1:])
        self.context.clear()
        for start in range(0, shared, BATCH):
            self._batch.clear()
            self._batch.add(0, start, rows[0][start : min(shared, start + BATCH)], wanted=False)
            self.context.decode(self._batch)
        waiting = [(number, row[shared:]) for number, row in enumerate(rows, 1)]
        while waiting:
            self._batch.clear()
            wanted: list[int] = []
            while waiting and self._batch.size + len(waiting[0][1]) <= BATCH:
                number, tokens = waiting.pop(0)
                self.context.copy(0, number, shared)
                wanted.append(self._batch.add(number, shared, tokens, wanted=True))
            self.context.decode(self._batch)
            for row in wanted:
                self.context.logits(row).argmax()
        return shared + sum(len(row) - shared for row in rows)

    def close(self) -> None:
        self.context.close()
        self._weights.close()


class Packaged:
    """The packaged API, `Llama`."""

    def __init__(self, path: Path, *, cells: int, threads: int) -> None:
        from llama_cpp import Llama

        self._llama: Any = Llama(
            str(path), n_ctx=cells, n_batch=BATCH, n_threads=threads, n_threads_batch=threads, verbose=False
        )

    def reply(self, prompt: Prompt, *, max_tokens: int, reuse: bool = True) -> int:
        """Tokens of a greedy reply. `reuse` leaves it what it still has of the prompt before."""
        if not reuse:
            self._llama.reset()
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        made = self._llama.create_chat_completion(messages=messages, max_tokens=max_tokens, temperature=0.0)
        return made["usage"]["completion_tokens"]

    def close(self) -> None:
        self._llama.close()
