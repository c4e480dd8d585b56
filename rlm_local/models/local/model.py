"""LocalModel: a model on this machine, whose native code runs in a worker process.

Making one starts the process, which then loads the weights by itself; whoever asks meanwhile waits for them.

llama.cpp is a large program in C++ that reads files from the internet. Where it crashes, the calls that were in it
raise, and the next call starts another worker, with the same adapters loaded.
"""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rlm_local.home import Home
from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import EngineError
from rlm_local.models.local.cursor import LocalCursor
from rlm_local.models.local.messages import Step
from rlm_local.models.local.process import Process
from rlm_local.models.local.restarts import Restarts
from rlm_local.models.prompt import Prompt
from rlm_local.models.result import Generation, Scores


class LocalModel:
    """A LlamaEngine in a process of its own; a context manager.

    Its methods are those of `rlm_local.models.model.Model`. Where the process dies, the calls that were in it raise
    WorkerDied.

    Args:
        path: the GGUF file.
        name: the catalog's name of it.
        home: where llama.cpp's library, KV, and the answers of leaf calls are kept.
        threads: for llama.cpp; by default one for each core this process may use.
        context: KV cells, one a token, for all calls under way together; by default what suits model and machine.
        progress: called with what is being done and the share of it, 0 to 1, by `wait`.

    Raises:
        LoadError: no process can be started.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        home: Home,
        threads: int | None = None,
        context: int | None = None,
        progress: Callable[[str, float | None], None] | None = None,
    ) -> None:
        self.name = name
        self._arguments = {
            "path": path.absolute(),
            "name": name,
            "home": replace(home, root=home.root.absolute(), given=home.key),
            "threads": threads,
            "context": context,
        }
        self._adapters: dict[str, Path] = {}
        self._restarts = Restarts()
        self._lock = threading.Lock()
        self._closed = False
        self._opening = threading.Lock()
        self._opened: Mapping[str, Any] | None = None
        self._process = self._start(_wanted(progress=progress))

    def wait(self) -> Mapping[str, Any]:
        """Wait until the model is open; what it says of itself.

        Raises:
            LibraryError: there is no llama.cpp for this machine.
            GgufError, LoadError, TemplateError: as of `LlamaEngine`; the model is closed then.
        """
        with self._opening:
            if self._opened is None:
                try:
                    self._opened = self._process.opened()
                except BaseException:
                    self.close()
                    raise
            return self._opened

    @property
    def n_ctx(self) -> int:
        return self.wait()["n_ctx"]

    @property
    def thinks(self) -> bool:
        return self.wait()["thinks"]

    @property
    def template_sha256(self) -> str:
        return self.wait()["template_sha256"]

    def load_adapter(self, name: str, path: Path) -> None:
        """Load a LoRA adapter, a GGUF file, under a name that calls may give in `adapters`; running calls go on.

        Raises:
            AdapterError: the file is no LoRA adapter, or is for other weights.
            GgufError: the file is no GGUF, or cut short.
        """
        self._ask(Step("load_adapter", {"name": name, "path": path.absolute()}))
        self._adapters[name] = path.absolute()

    def count(self, text: str) -> int:
        return self._ask(Step("count", {"text": text}))

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        return self._ask(Step("encode", {"prompt": prompt}))

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
        on_done: Callable[[int], None] | None = None,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Generation]:
        return self._call(
            "generate",
            _wanted(on_done=on_done, on_text=on_text),
            cancel,
            prompts=list(prompts),
            max_tokens=max_tokens,
            stop=list(stop),
            temperature=temperature,
            seed=seed,
            adapters=adapters,
        )

    def extract(
        self,
        prompts: Sequence[Prompt],
        *,
        grammar: str,
        max_tokens: int,
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: Callable[[int], None] | None = None,
    ) -> list[Generation]:
        return self._call(
            "extract",
            _wanted(on_done=on_done),
            cancel,
            prompts=list(prompts),
            grammar=grammar,
            max_tokens=max_tokens,
            adapters=adapters,
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
        on_done: Callable[[int], None] | None = None,
    ) -> list[Scores]:
        return self._call(
            "choose",
            _wanted(on_done=on_done),
            cancel,
            prompts=list(prompts),
            options=list(options),
            bias=bias,
            neutral=list(neutral),
            adapters=adapters,
        )

    @contextmanager
    def cursor(
        self, prompt: Prompt, *, adapters: Mapping[str, float] | None = None, cancel: Cancel | None = None
    ) -> Generator[LocalCursor]:
        step = Step("cursor", {"prompt": prompt, "adapters": _plain(adapters)}, ("cancel",))
        with self._living().talk(step, {}, cancel) as talk:
            talk.result()
            yield LocalCursor(talk)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._process.close()

    def __enter__(self) -> Self:
        self.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self,
        name: str,
        callbacks: Mapping[str, Callable[..., Any]],
        cancel: Cancel | None,
        *,
        adapters: Mapping[str, float] | None,
        **arguments: Any,
    ) -> Any:
        given = ("cancel", *callbacks)
        return self._ask(Step(name, {**arguments, "adapters": _plain(adapters)}, given), callbacks, cancel)

    def _ask(
        self, step: Step, callbacks: Mapping[str, Callable[..., Any]] | None = None, cancel: Cancel | None = None
    ) -> Any:
        with self._living().talk(step, callbacks or {}, cancel) as talk:
            return talk.result()

    def _living(self) -> Process:
        """The worker, or where it died, the next one.

        Raises:
            EngineError: the model was closed.
            WorkerDied: it died too often.
        """
        with self._lock:
            if self._closed:
                raise EngineError("the engine is closed")
            if self._process.death is not None:
                self._restarts.check(self._process.death)
                self._process = self._start({})
            return self._process

    def _start(self, callbacks: Mapping[str, Callable[..., Any]]) -> Process:
        return Process({**self._arguments, "adapters": dict(self._adapters)}, callbacks)


def _wanted(**callbacks: Callable[..., Any] | None) -> dict[str, Callable[..., Any]]:
    return {name: callback for name, callback in callbacks.items() if callback is not None}


def _plain(adapters: Mapping[str, float] | None) -> dict[str, float] | None:
    return None if adapters is None else dict(adapters)
