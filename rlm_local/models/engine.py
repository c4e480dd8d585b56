"""LlamaEngine: a model in llama.cpp, on this machine.

Three kinds of leaf call, the cheapest first: `choose` and `judge` read option logits and generate nothing, `extract`
writes a few tokens under a grammar, `generate` writes freely. `cursor` decodes a structured reply slot by slot.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from rlm_local.models.cancel import Cancel
from rlm_local.models.cursor import LlamaCursor
from rlm_local.models.errors import PromptTooLong
from rlm_local.models.gguf import read_header
from rlm_local.models.grammar import Grammar
from rlm_local.models.leaf import Greedy, Picker, Sampled, Score, Write
from rlm_local.models.llama import LIBRARY_VERSION, Context, Weights
from rlm_local.models.options import Options
from rlm_local.models.prompt import Prompt
from rlm_local.models.result import Generation, Scores, Usage
from rlm_local.models.scheduler import Done, Scheduler, Text
from rlm_local.models.shelf import Shelf, identify
from rlm_local.models.template import ChatTemplate, Encoded

_SEQUENCES = 64  # at a time; the buffers for their logits are what bounds it
_BATCH = 512  # tokens a decode

OnDone = Callable[[int], None]


class LlamaEngine:
    """A model from a GGUF file; a context manager. Its methods are those of `rlm_local.models.model.Model`.

    Args:
        path: the GGUF file; its header is checked before llama.cpp reads it.
        name: the catalog's name of it.
        n_ctx: KV cells, one a token, for all calls under way together.
        threads: of a decode; the physical cores that this process may use by default.
        kv_directory: where the KV of fixed prompts is kept; nowhere by default.
        progress: called with what is being done and the share of it, 0 to 1.

    Raises:
        GgufError: the file is no GGUF, or cut short.
        LoadError: llama.cpp refused the file, or there is no memory.
        TemplateError: the model has no usable chat template.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        n_ctx: int = 8192,
        threads: int | None = None,
        kv_directory: Path | None = None,
        progress: Callable[[str, float | None], None] | None = None,
    ) -> None:
        self.name = name
        read_header(path)
        self._weights = Weights(path, progress=None if progress is None else partial(progress, f"loading {name}"))
        try:
            self._template = ChatTemplate(self._weights)
            context = Context(
                self._weights, cells=n_ctx, sequences=_SEQUENCES, batch=_BATCH, threads=threads or physical_cores()
            )
        except BaseException:
            self._weights.close()
            raise
        self.template_sha256 = hashlib.sha256(self._weights.chat_template.encode()).hexdigest()
        self.n_ctx = min(context.cells, self._weights.trained_context)
        shelf = None if kv_directory is None else Shelf(kv_directory, identify(path, LIBRARY_VERSION))
        self._scheduler = Scheduler(context, sequences=_SEQUENCES, batch=_BATCH, shelf=shelf)

    def count(self, text: str) -> int:
        return len(self._weights.tokenize(text))

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        return tuple(self._template.encode(prompt).tokens.tolist())

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Generation]:
        encoded = self._encode(prompts)
        pickers: list[Picker] = [
            Sampled(temperature, seed + index) if temperature > 0 else Greedy() for index in range(len(prompts))
        ]
        return self._write(encoded, pickers, max_tokens, stop, cancel, on_done, on_text)

    def extract(
        self,
        prompts: Sequence[Prompt],
        *,
        grammar: str,
        max_tokens: int,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
    ) -> list[Generation]:
        encoded = self._encode(prompts)
        pickers = [Grammar(self._weights, grammar) for _ in prompts]
        return self._write(encoded, pickers, max_tokens, (), cancel, on_done, None)

    def choose(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[str],
        *,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
    ) -> list[Scores]:
        trie = Options([self._weights.tokenize(option) for option in options])
        encoded = self._encode(prompts, extra=trie.depth)
        width = len(trie.branches)
        tasks = [
            Score(np.append(prompt.tokens, np.asarray(branch.path, np.int32)), branch.children, fixed=prompt.fixed)
            for prompt in encoded
            for branch in trie.branches
        ]
        rows: list[Any] = [None] * len(tasks)
        usages = [Usage()] * len(prompts)
        left = [width] * len(prompts)
        for event in self._scheduler.run(tasks, cancel):
            if isinstance(event, Done):
                index = event.index // width
                rows[event.index], usage = event.result
                usages[index] += usage
                left[index] -= 1
                if not left[index] and on_done is not None:
                    on_done(index)
        scored = [trie.logprobs(rows[start : start + width]) for start in range(0, len(rows), width)]
        return [
            Scores(tuple(options), tuple(logprobs.tolist()), usage)
            for logprobs, usage in zip(scored, usages, strict=True)
        ]

    def judge(
        self,
        prompts: Sequence[Prompt],
        *,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
    ) -> list[float]:
        scores = self.choose(prompts, ("yes", "no"), cancel=cancel, on_done=on_done)
        return [yes - no for yes, no in (score.logprobs for score in scores)]

    def cursor(self, prompt: Prompt, *, cancel: Cancel | None = None) -> LlamaCursor:
        [encoded] = self._encode([prompt])
        return LlamaCursor(self._weights, self._scheduler, encoded, limit=self.n_ctx, cancel=cancel)

    def close(self) -> None:
        self._scheduler.close()
        self._weights.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _encode(self, prompts: Sequence[Prompt], *, extra: int = 1) -> list[Encoded]:
        """The prompts' tokens, each with room for `extra` more."""
        encoded = [self._template.encode(prompt) for prompt in prompts]
        longest = max((len(each.tokens) for each in encoded), default=0)
        if longest + extra > self.n_ctx:
            raise PromptTooLong(longest, self.n_ctx - extra)
        return encoded

    def _write(
        self,
        prompts: Sequence[Encoded],
        pickers: Sequence[Picker],
        max_tokens: int,
        stop: Sequence[str],
        cancel: Cancel | None,
        on_done: OnDone | None,
        on_text: Callable[[int, str], None] | None,
    ) -> list[Generation]:
        tasks = [
            Write(
                self._weights,
                prompt.tokens,
                picker,
                room=min(max_tokens, self.n_ctx - len(prompt.tokens)),
                stop=stop,
                fixed=prompt.fixed,
            )
            for prompt, picker in zip(prompts, pickers, strict=True)
        ]
        results: dict[int, Generation] = {}
        for event in self._scheduler.run(tasks, cancel):
            match event:
                case Done(index, result):
                    results[index] = result
                    if on_done is not None:
                        on_done(index)
                case Text(index, text):
                    if on_text is not None:
                        on_text(index, text)
        return [results[index] for index in range(len(prompts))]


def physical_cores() -> int:
    """How many physical cores this process may run on: two threads on one core are slower than one."""
    cores: set[str] = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text().strip() if siblings.exists() else str(cpu))
    return len(cores)
