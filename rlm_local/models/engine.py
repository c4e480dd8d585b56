"""LlamaEngine: a model in llama.cpp, on this machine.

Three kinds of leaf call, the cheapest first: `choose` reads option logits and generates nothing, `extract` writes a few
tokens under a grammar, `generate` writes freely. What they answered before comes from the leaf cache. `cursor` decodes
a structured reply slot by slot.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

from rlm_local.models.adapters import Adapters, AdapterSet
from rlm_local.models.calibration import calibrated
from rlm_local.models.cancel import Cancel
from rlm_local.models.cursor import LlamaCursor
from rlm_local.models.devices import devices, layers_that_fit
from rlm_local.models.errors import PromptTooLong
from rlm_local.models.fit import check_memory, refuse
from rlm_local.models.gguf import read_header
from rlm_local.models.grammar import Grammar
from rlm_local.models.job import Done, Text
from rlm_local.models.leaf import Greedy, Picker, Sampled, Score, Write
from rlm_local.models.leaves import LeafCache
from rlm_local.models.llama import Context, Weights, library_version
from rlm_local.models.memory import Needs, Room, available_memory, physical_cores
from rlm_local.models.meter import Meter
from rlm_local.models.options import Options
from rlm_local.models.prompt import Prompt
from rlm_local.models.result import Generation, Scores, Usage
from rlm_local.models.scheduler import Scheduler
from rlm_local.models.shelf import Shelf, identify
from rlm_local.models.template import ChatTemplate, Encoded
from rlm_local.models.thinking import Thought
from rlm_local.vault import Key

_SEQUENCES = 64  # at a time; the buffers for their logits are what bounds it
_BATCH = 256  # tokens a decode: on a processor longer ones are hardly faster, and a new call waits longer
_GPU_BATCH = 512

_THOUGHT_TEMPERATURE = 0.6
"""As families of thinking models want it: a thought without chance repeats itself."""

_KEPT_TOGETHER = 32
"""Answers that are written to the leaf cache at a time."""

OnDone = Callable[[int], None]
_R = TypeVar("_R", Scores, Generation)


class LlamaEngine:
    """A model from a GGUF file; a context manager. Its methods are those of `rlm_local.models.model.Model`.

    Args:
        path: the GGUF file; its header is checked before llama.cpp reads it.
        name: the catalog's name of it.
        n_ctx: KV cells, one a token, for all calls under way together; by default what suits model and machine.
        threads: of a decode; the physical cores that this process may use by default.
        kv_directory: where the KV of fixed prompts is kept; nowhere by default.
        leaf_cache: the SQLite file where the answers of leaf calls are kept; nowhere by default.
        key: what both are sealed with, if they are.
        progress: called with what is being done and the share of it, 0 to 1.

    Attributes:
        offloaded: layers that are computed on other devices than the processor, as many as fit.

    Raises:
        GgufError: the file is no GGUF, or cut short.
        LoadError: llama.cpp refused the file, it is of a kind that would answer wrongly here, or there is no memory.
        TemplateError: the model has no usable chat template.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        n_ctx: int | None = None,
        threads: int | None = None,
        kv_directory: Path | None = None,
        leaf_cache: Path | None = None,
        key: Key | None = None,
        progress: Callable[[str, float | None], None] | None = None,
    ) -> None:
        self.name = name
        header = read_header(path)
        size, found = path.stat().st_size, devices()
        room = Room(available_memory(), tuple(device.room for device in found), physical_cores())
        needs = Needs(size, header.cell_bytes, header.trained_context)
        check_memory(name, needs, room, n_ctx)
        if header.recurrent:
            refuse(name, header.architecture)
        n_ctx = n_ctx or room.context(needs)
        self.offloaded = layers_that_fit(found, header, weights=size, cells=n_ctx)
        report = None if progress is None else partial(progress, f"loading {name}")
        self._weights = Weights(path, offloaded=self.offloaded, progress=report)
        try:
            if self._weights.recurrent:  # of a kind that the header does not show
                refuse(name, header.architecture)
            self._template = ChatTemplate(self._weights)
            batch = _GPU_BATCH if self.offloaded else _BATCH
            context = Context(
                self._weights, cells=n_ctx, sequences=_SEQUENCES, batch=batch, threads=threads or physical_cores()
            )
        except BaseException:
            self._weights.close()
            raise
        self.thinks = self._template.thinks
        self.template_sha256 = hashlib.sha256(self._weights.chat_template.encode()).hexdigest()
        self.n_ctx = min(context.cells, self._weights.trained_context)
        identity = identify(path, library_version())
        shelf = None if kv_directory is None else Shelf(kv_directory, identity, key=key)
        self._scheduler = Scheduler(context, sequences=_SEQUENCES, batch=batch, shelf=shelf)
        self._leaves = None if leaf_cache is None else LeafCache(leaf_cache, identity, key=key)
        self._adapters = Adapters(path, self._weights.load_adapter)

    def load_adapter(self, name: str, path: Path) -> None:
        """Load a LoRA adapter, a GGUF file, under a name that calls may give in `adapters`; running calls go on.

        Raises:
            AdapterError: the file is no LoRA adapter, or is for other weights.
            GgufError: the file is no GGUF, or cut short.
        """
        self._scheduler.between(lambda: self._adapters.load(name, path))

    @property
    def meter(self) -> Meter:
        """What has been decoded so far, and what that cost beside llama.cpp."""
        return self._scheduler.meter

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
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Generation]:
        if not 0 <= temperature < math.inf:
            raise ValueError(f"the temperature must be a number from 0 on, not {temperature}")
        if not all(stop):
            raise ValueError("stop strings must not be empty")

        def picker(place: int) -> Picker:
            return Sampled(temperature, seed + place) if temperature else Greedy()

        return self._write(
            [["generate", *stop, temperature, seed + place if temperature else 0] for place in range(len(prompts))],
            self._encode(prompts, reply=max_tokens),
            picker,
            max_tokens=max_tokens,
            stop=stop,
            seed=seed,
            adapters=self._adapters.select(adapters or {}),
            cancel=cancel,
            on_done=on_done,
            on_text=on_text,
        )

    def extract(
        self,
        prompts: Sequence[Prompt],
        *,
        grammar: str,
        max_tokens: int,
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
    ) -> list[Generation]:
        return self._write(
            [["extract", grammar]] * len(prompts),
            self._encode(prompts, reply=max_tokens),
            lambda _place: Grammar(self._weights, grammar),
            max_tokens=max_tokens,
            adapters=self._adapters.select(adapters or {}),
            cancel=cancel,
            on_done=on_done,
        )

    def choose(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[str],
        *,
        bias: Sequence[float] | None = None,
        neutral: Sequence[Prompt] = (),
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
    ) -> list[Scores]:
        trie = Options([self._weights.tokenize(option) for option in options])
        encoded = self._encode([*prompts, *neutral] if prompts else [], extra=trie.depth)
        under = self._adapters.select(adapters or {})

        def ask(places: Sequence[int]) -> Iterator[tuple[int, Scores]]:
            tasks = [
                Score(np.append(prompt.tokens, np.asarray(branch.path, np.int32)), branch.children, fixed=prompt.fixed)
                for prompt in (encoded[place] for place in places)
                for branch in trie.branches
            ]
            width = len(trie.branches)
            rows: list[list[Any]] = [[None] * width for _ in places]
            left, usages = [width] * len(places), [Usage()] * len(places)
            for event in self._scheduler.run(tasks, cancel, urgent=len(prompts) == 1, adapters=under):
                if isinstance(event, Done):
                    number, branch = divmod(event.index, width)
                    rows[number][branch], usage = event.result
                    usages[number] += usage
                    left[number] -= 1
                    if not left[number]:
                        logprobs = trie.logprobs(rows[number]).tolist()
                        yield places[number], scored(logprobs, usages[number])

        def recall(place: int, logprobs: list[float]) -> Scores:
            return scored(logprobs, Usage(cached_tokens=len(encoded[place].tokens)))

        def scored(logprobs: list[float], usage: Usage) -> Scores:
            return Scores(tuple(options), tuple(logprobs), tuple(logprobs), usage)

        def tell(place: int) -> None:
            if on_done is not None and place < len(prompts):
                on_done(place)

        keys = self._keys([["choose", *options]] * len(encoded), encoded, under)
        scores = self._answer(keys, ask, recall, lambda scores: scores.logprobs, tell)
        return calibrated(scores[: len(prompts)], scores[len(prompts) :], bias)

    def cursor(
        self, prompt: Prompt, *, adapters: Mapping[str, float] | None = None, cancel: Cancel | None = None
    ) -> LlamaCursor:
        [encoded] = self._encode([prompt])
        under = self._adapters.select(adapters or {})
        return LlamaCursor(self._weights, self._scheduler, encoded, limit=self.n_ctx, cancel=cancel, adapters=under)

    def close(self) -> None:
        self._scheduler.close()
        self._weights.close()
        if self._leaves is not None:
            self._leaves.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _encode(self, prompts: Sequence[Prompt], *, extra: int = 1, reply: int = 0) -> list[Encoded]:
        """The prompts' tokens, each with room for `extra` more, or for a reply after as much thought as there is room
        for."""
        encoded = [self._thoughtful(prompt, reply) if reply else self._template.encode(prompt) for prompt in prompts]
        longest = max((len(each.tokens) for each in encoded), default=0)
        if longest + extra > self.n_ctx:
            raise PromptTooLong(longest, self.n_ctx - extra)
        return encoded

    def _thoughtful(self, prompt: Prompt, reply: int) -> Encoded:
        """A prompt with the thought that it lets the model have, cut to what the reply leaves of the context."""
        encoded = self._template.encode(prompt, thinking=prompt.thinking)
        if encoded.thought is None:
            return encoded
        room = self.n_ctx - len(encoded.tokens) - len(encoded.thought.cut) - reply
        if room < encoded.thought.most:
            return self._template.encode(prompt, thinking=max(0, room))
        return encoded

    def _thought(self, encoded: Encoded, seed: int) -> Thought | None:
        """The thought before a reply."""
        if encoded.thought is None:
            return None
        pick = Sampled(_THOUGHT_TEMPERATURE, seed).pick
        return Thought(encoded.thought, pick, self._weights.spell, self._weights.is_end)

    def _write(
        self,
        calls: Sequence[Sequence[Any]],
        prompts: Sequence[Encoded],
        picker: Callable[[int], Picker],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        seed: int = 0,
        adapters: AdapterSet,
        cancel: Cancel | None,
        on_done: OnDone | None,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Generation]:
        """Replies of at most `max_tokens`, each by its own picker. `calls` says what they depend on beside that."""
        if max_tokens < 1:
            raise ValueError(f"a reply must have room for a token, not {max_tokens}")

        def ask(places: Sequence[int]) -> Iterator[tuple[int, Generation]]:
            tasks = [
                Write(
                    self._weights,
                    prompts[place].tokens,
                    picker(place),
                    room=min(max_tokens, self.n_ctx - len(prompts[place].tokens)),
                    stop=stop,
                    fixed=prompts[place].fixed,
                    thought=self._thought(prompts[place], seed + place),
                )
                for place in places
            ]
            for event in self._scheduler.run(tasks, cancel, urgent=len(prompts) == 1, adapters=adapters):
                match event:
                    case Done(index, result):
                        yield places[index], result
                    case Text(index, text):
                        if on_text is not None:
                            on_text(places[index], text)

        def recall(place: int, kept: list[Any]) -> Generation:
            text, token_ids, logprob, finish, *thought = kept
            if on_text is not None and text:
                on_text(place, text)
            prompt_ids = tuple(prompts[place].tokens.tolist())
            usage = Usage(cached_tokens=len(prompt_ids))
            return Generation(text, tuple(token_ids), prompt_ids, logprob, finish, usage, *thought)

        thoughts = [prompt.thought for prompt in prompts]
        depend = [
            [*call, max_tokens, *((thought.most, thought.cut, seed + place) if thought else ())]
            for place, (call, thought) in enumerate(zip(calls, thoughts, strict=True))
        ]
        return self._answer(self._keys(depend, prompts, adapters), ask, recall, _plain, on_done)

    def _keys(self, calls: Sequence[Sequence[Any]], prompts: Sequence[Encoded], adapters: AdapterSet) -> list[bytes]:
        """What names each answer in the leaf cache; nothing where there is none."""
        if self._leaves is None:
            return [b""] * len(prompts)
        return [
            self._leaves.key(call, adapters.identity, prompt.tokens.tobytes())
            for call, prompt in zip(calls, prompts, strict=True)
        ]

    def _answer(
        self,
        keys: Sequence[bytes],
        ask: Callable[[Sequence[int]], Iterator[tuple[int, _R]]],
        recall: Callable[[int, Any], _R],
        plain: Callable[[_R], Any],
        on_done: OnDone | None,
    ) -> list[_R]:
        """The answers that are kept, and those to the other places as they come, which are kept then: a process that is
        killed in a long map has most of it when it starts again."""
        kept = {} if self._leaves is None else self._leaves.get(keys)
        fresh: dict[bytes, Any] = {}
        results: dict[int, _R] = {}

        def take(place: int, result: _R) -> None:
            results[place] = result
            if on_done is not None:
                on_done(place)

        try:
            for place, key in enumerate(keys):
                if key in kept:
                    take(place, recall(place, kept[key]))
            for place, result in ask([place for place, key in enumerate(keys) if key not in kept]):
                fresh[keys[place]] = plain(result)
                take(place, result)
                if len(fresh) == _KEPT_TOGETHER:
                    self._keep(fresh)
        finally:
            self._keep(fresh)
        return [results[place] for place in range(len(keys))]

    def _keep(self, fresh: dict[bytes, Any]) -> None:
        if self._leaves is not None and fresh:
            self._leaves.put(fresh)
        fresh.clear()


def _plain(made: Generation) -> Sequence[Any]:
    """What the leaf cache keeps of a reply."""
    thought = (made.thought,) if made.thought else ()
    return made.text, made.token_ids, made.logprob, made.finish, *thought
