"""The rows of the table: what each measures, once. A repetition has prompts of its own."""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rlm_local.bench.engine.beside import Bare, Packaged
from rlm_local.bench.engine.rate import Rate
from rlm_local.bench.engine.stopwatch import Stopwatch
from rlm_local.bench.engine.workload import OPTIONS, Workload
from rlm_local.bench.measurement import Measurement
from rlm_local.home import Home
from rlm_local.models import Cancel, Cancelled, LlamaEngine, LocalModel, Model, Prompt, Usage
from rlm_local.models.gguf import read_header
from rlm_local.models.memory import physical_cores
from rlm_local.models.native import Setup
from rlm_local.models.shelf import Shelf

SORT = "Reply with one word: river, house or paper."
TELL = "Tell a story of a thousand words, in which these come up."
_POLL = 0.0005
_STEPS = 500

_Rates = tuple[float, float]
"""Tokens a second, on the wall and by the processor."""


class Bench:
    """One model, measured. Everything that is compared is loaded at most once, and when it is first needed."""

    def __init__(
        self,
        path: Path,
        name: str,
        home: Home,
        repeat: int,
        cancel: Cancel,
        tell: Callable[[str], None],
        beside: Path | None,
    ) -> None:
        self.model = LlamaEngine(path, name=name)
        self._path = path
        self._home = replace(home, leaf_cache=False)  # what is kept costs nothing, and nothing would be measured
        self._beside = beside
        self._repeat = repeat
        self._cancel = cancel
        self._tell = tell
        self._make = Workload(self.model)
        self._bare: Bare | None = None
        self._packaged: Packaged | None = None
        self._apart: LocalModel | None = None

    def close(self) -> None:
        for each in (self.model, self._bare, self._packaged, self._apart):
            if each is not None:
                each.close()

    # ---- rows

    def memory(self) -> list[Measurement]:
        """First of all, before anything else is in memory: what the process takes beyond weights and KV."""
        self.model.choose(self._sorting(64), OPTIONS)
        known = self._path.stat().st_size + self.model.n_ctx * read_header(self._path).cell_bytes
        return [Measurement("private memory beyond weights and KV", "MB", 300, True, ((_private() - known) / 1e6,))]

    def choices(self) -> list[Measurement]:
        """64 `choose` calls, beside llama.cpp alone and the packaged API."""
        ours: list[_Rates] = []
        theirs: list[_Rates] = []
        packaged: list[_Rates] = []
        shares: list[float] = []
        for _ in self._each("64 choices behind 800 tokens"):
            prompts = self._sorting(64)
            own = self.model.meter.own_seconds
            with Stopwatch() as watch:
                usage = sum((score.usage for score in self.model.choose(prompts, OPTIONS)), Usage())
            shares.append(_own_share(watch, self.model.meter.own_seconds - own))
            ours.append(_rate(usage.prompt_tokens, watch))
            tokens = [self.model.encode(prompt) for prompt in prompts]
            bare = self.bare
            with Stopwatch() as watch:
                evaluated = bare.evaluate(tokens)
            theirs.append(_rate(evaluated, watch))
            alone = self.packaged
            with Stopwatch() as watch:
                for prompt in prompts:
                    alone.reply(prompt, max_tokens=4)
            packaged.append(_rate(usage.prompt_tokens, watch))
        return [
            _ratio("64 choices, tokens a second, beside llama.cpp alone", 0.95, ours, theirs),
            _ratio("64 choices beside one after the other in the packaged API", 2.0, ours, packaged),
            Measurement("own processor time, 64 choices", "%", 3.0, True, tuple(shares)),
        ]

    def boundary(self) -> list[Measurement]:
        """64 `choose` calls of a model in a process of its own, beside one in this process; and one step there."""
        steps: list[float] = []
        ratios: list[float] = []
        for number in self._each("64 choices in a process of their own"):
            prompts = self._sorting(64)
            ratios.append(_beside(self.apart, self.model, prompts, swapped=number % 2 == 1))
            with self.apart.cursor(prompts[0]) as cursor, Stopwatch() as watch:
                for _ in range(_STEPS):
                    cursor.mark()
            steps.append(1e6 * watch.wall / _STEPS)
        return [
            Measurement("64 choices in a process of their own, beside in this one", "x", 0.98, False, tuple(ratios)),
            Measurement("a cursor's step to that process and back", "us", 500, True, tuple(steps)),
        ]

    def library(self) -> list[Measurement]:
        """64 `choose` calls with the library in use, beside another build of it, each in a process of its own."""
        if self._beside is None:
            return []
        with TemporaryDirectory() as directory:
            home = Home(Path(directory), leaf_cache=False)
            Setup(home.native).ask_for(str(self._beside))
            with LocalModel(self._path, name=self.model.name, home=home) as other:
                ratios = tuple(
                    _beside(self.apart, other, self._sorting(64), swapped=number % 2 == 1)
                    for number in self._each("64 choices with each of two libraries")
                )
        return [Measurement(f"64 choices with this library, beside that in {self._beside}", "x", 0.95, False, ratios)]

    def replies(self) -> list[Measurement]:
        """16 and 32 replies of 32 tokens, beside the packaged API that evaluates each prompt whole."""
        ours: dict[int, list[_Rates]] = {16: [], 32: []}
        packaged: list[_Rates] = []
        shares: list[float] = []
        for _ in self._each("replies of 32 tokens behind 135"):
            for number, rates in ours.items():
                prompts = self._make.prompts(number, prefix=135, item=6, task=TELL, worked=False)
                own = self.model.meter.own_seconds
                with Stopwatch() as watch:
                    made = self.model.generate(prompts, max_tokens=32)
                shares.append(_own_share(watch, self.model.meter.own_seconds - own))
                rates.append(_rate(sum(each.usage.completion_tokens for each in made), watch))
            prompts, alone = self._make.prompts(8, prefix=135, item=6, task=TELL, worked=False), self.packaged
            with Stopwatch() as watch:
                written = sum(alone.reply(prompt, max_tokens=32, reuse=False) for prompt in prompts)
            packaged.append(_rate(written, watch))
        return [
            *[
                _ratio(f"{number} replies beside one after the other in the packaged API", target, rates, packaged)
                for (number, rates), target in zip(ours.items(), (2.8, 3.2), strict=True)
            ],
            Measurement("own processor time, replies", "%", 3.0, True, tuple(shares)),
        ]

    def cancelling(self) -> list[Measurement]:
        """From the cancel of a map of 1,000 items until its caller has it back, and until the engine is free."""
        caller: list[float] = []
        engine: list[float] = []
        for _ in self._each("cancelling a map of 1,000"):
            with self._mapping(1000) as (cancel, ended):
                _wait(lambda: self.model.meter.running)
                at = time.perf_counter()
                cancel.cancel()
                _wait(lambda: not self.model.meter.running)
                engine.append(1e3 * (time.perf_counter() - at))
            caller.append(1e3 * (ended[0] - at))
        return [
            Measurement("cancel of a map of 1,000, until the caller goes on", "ms", 200, True, tuple(caller)),
            Measurement("cancel of a map of 1,000, until the engine is free", "ms", 200, True, tuple(engine)),
        ]

    def deciding(self) -> list[Measurement]:
        """How many decodes a new run waits for its first decision while a map of 3,000 is running."""
        decodes: list[float] = []
        for _ in self._each("a decision while a map of 3,000 runs"):
            decision = self._make.prompts(1, prefix=100, item=20, task=SORT)
            with self._mapping(3000):
                before = self.model.meter.decodes
                self.model.choose(decision, OPTIONS)
                decodes.append(self.model.meter.decodes - before)
        return [Measurement("first decision while a map of 3,000 runs", "decodes", 2, True, tuple(decodes))]

    def restart(self) -> list[Measurement]:
        """Loading a saved prompt of 1,000 tokens; evaluating it is the other row."""
        loaded: list[float] = []
        processor: list[float] = []
        evaluated: list[float] = []
        context = self.bare.context
        [prompt] = self._make.prompts(1, prefix=1000, item=1, task=SORT)
        tokens = np.asarray(self.model.encode(prompt)[:1000], np.int32)
        with TemporaryDirectory() as directory:
            shelf = Shelf(Path(directory), b"bench")
            for _ in self._each("restart with a saved prompt"):
                with Stopwatch() as watch:
                    self.bare.evaluate([[*tokens, 1], [*tokens, 2]])
                evaluated.append(1e3 * watch.wall)
                shelf.save(tokens, context.save(0))
                context.clear()
                with Stopwatch() as watch:
                    state = shelf.load(tokens)
                    assert state is not None and context.restore(0, state, len(tokens))  # noqa: PT018, S101
                loaded.append(1e3 * watch.wall)
                processor.append(1e3 * watch.processor)
        return [
            Measurement("restart with a saved prompt of 1,000 tokens", "ms", 20, True, tuple(loaded), tuple(processor)),
            Measurement("the same evaluated instead", "ms", None, True, tuple(evaluated)),
        ]

    def same(self) -> list[Measurement]:
        """Whether a call of the same shape, made again, has the same numbers."""
        shares: list[float] = []
        prompts = self._sorting(16)
        self.model.choose(prompts, OPTIONS)
        first = self.model.choose(prompts, OPTIONS)
        for _ in self._each("the same call again"):
            again = self.model.choose(prompts, OPTIONS)
            equal = sum(one.logprobs == other.logprobs for one, other in zip(first, again, strict=True))
            shares.append(100.0 * equal / len(prompts))
        return [Measurement("answers of the same call, identical", "%", 100, False, tuple(shares))]

    def rates(self) -> list[Rate]:
        """Leaf calls a second by how many come together."""
        rates: dict[int, list[float]] = {1: [], 2: [], 4: [], 8: [], 16: [], 32: [], 64: []}
        for _ in self._each("leaf calls a second"):
            prompts = self._sorting(1 + sum(rates))
            self.model.choose(prompts[:1], OPTIONS)  # the prefix
            left = prompts[1:]
            for together, values in rates.items():
                some, left = left[:together], left[together:]
                with Stopwatch() as watch:
                    self.model.choose(some, OPTIONS)
                values.append(together / watch.wall)
        return [Rate(together, tuple(values)) for together, values in rates.items()]

    # ---- what the rows share

    @property
    def bare(self) -> Bare:
        if self._bare is None:
            self._bare = Bare(self._path, cells=self.model.n_ctx, threads=physical_cores())
        return self._bare

    @property
    def packaged(self) -> Packaged:
        if self._packaged is None:
            self._packaged = Packaged(self._path, cells=2048, threads=physical_cores())
        return self._packaged

    @property
    def apart(self) -> LocalModel:
        if self._apart is None:
            self._apart = LocalModel(self._path, name=self.model.name, home=self._home)
        return self._apart

    @contextmanager
    def _mapping(self, number: int) -> Generator[tuple[Cancel, list[float]]]:
        """A map that runs in another thread until the context ends; its cancel, and when its caller had it back."""
        cancel, begun = Cancel(), threading.Event()
        ended: list[float] = []
        prompts = self._sorting(number)

        def work() -> None:
            with suppress(Cancelled):
                self.model.choose(prompts, OPTIONS, cancel=cancel, on_done=lambda _: begun.set())
            ended.append(time.perf_counter())

        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        try:
            yield cancel, ended
        finally:
            cancel.cancel()
            thread.join()

    def _sorting(self, number: int) -> list[Prompt]:
        return self._make.prompts(number, prefix=800, item=20, task=SORT)

    def _each(self, what: str) -> Iterator[int]:
        """The repetitions, told; the first in any case, the others until cancelled."""
        for number in range(self._repeat):
            if number and self._cancel.stopped:
                return
            self._tell(f"{what}, {number + 1} of {self._repeat}")
            yield number


ROWS: dict[str, Callable[[Bench], list[Measurement]]] = {
    "memory": Bench.memory,
    "choices": Bench.choices,
    "boundary": Bench.boundary,
    "library": Bench.library,
    "replies": Bench.replies,
    "cancel": Bench.cancelling,
    "decision": Bench.deciding,
    "restart": Bench.restart,
    "same": Bench.same,
}


def _beside(one: Model, other: Model, prompts: Sequence[Prompt], *, swapped: bool) -> float:
    """How many times as fast as the other the first one chooses; `swapped`: the other is asked first."""
    seconds: dict[Model, float] = {}
    for model in (other, one) if swapped else (one, other):
        model.choose(prompts[:1], OPTIONS)
        with Stopwatch() as watch:
            model.choose(prompts, OPTIONS)
        seconds[model] = watch.wall
    return seconds[other] / seconds[one]


def _rate(tokens: int, watch: Stopwatch) -> _Rates:
    return tokens / watch.wall, tokens / watch.processor


def _own_share(watch: Stopwatch, decoding_thread: float) -> float:
    """The share of processor time that was not llama.cpp's, in percent."""
    return 100.0 * (decoding_thread + watch.caller) / watch.processor


def _ratio(name: str, target: float, ours: Sequence[_Rates], theirs: Sequence[_Rates]) -> Measurement:
    pairs = list(zip(ours, theirs, strict=True))
    wall, processor = (tuple(one[kind] / other[kind] for one, other in pairs) for kind in (0, 1))
    return Measurement(name, "x", target, at_most=False, values=wall, by_processor=processor)


def _wait(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(_POLL)


def _private() -> int:
    """Bytes of this process that are in memory and no file's, whose pages the kernel can take back."""
    resident, shared = Path("/proc/self/statm").read_text().split()[1:3]
    return (int(resident) - int(shared)) * 4096
