"""The engines of a server, one for each model: loaded when first asked for, unloaded when nobody asks any more."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Event, Listener
from rlm_local.errors import RlmLocalError
from rlm_sandbox import SandboxError

MakeEngine = Callable[[str, Listener], Engine]
"""An engine for a model by its name or path; the listener is told how far along that is."""


@dataclass
class _Loaded:
    """`engine` is set while the model is loaded; the lock is held while it is being loaded or unloaded."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    engine: Engine | None = None
    users: int = 0
    used: float = 0.0


class Engines:
    """Safe to use from many threads."""

    def __init__(self, make: MakeEngine, *, idle_seconds: float) -> None:
        self._make = make
        self._idle_seconds = idle_seconds
        self._models: dict[str, _Loaded] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._progress: dict[str, str] = {}
        self._failed: dict[str, Exception] = {}
        self._sweeper = threading.Thread(target=self._sweep, name="rlm-local-idle", daemon=True)
        self._sweeper.start()

    @contextmanager
    def lease(self, model: str) -> Generator[Engine]:
        """The model's engine, loaded, for as long as the context lasts.

        Raises:
            ModelError, SandboxError, HomeError: it cannot be loaded.
        """
        with self._lock:
            loaded = self._models.setdefault(model, _Loaded())
            loaded.users += 1
        try:
            with loaded.lock:
                if loaded.engine is None:
                    loaded.engine = self._load(model)
                engine = loaded.engine
            yield engine
        finally:
            with self._lock:
                loaded.users -= 1
                loaded.used = time.monotonic()

    def state(self, model: str) -> tuple[bool, str]:
        """Whether a model is loaded, and what is known about why not."""
        loaded = self._models.get(model)
        if loaded and loaded.engine:
            return True, ""
        failed = self._failed.get(model)
        return False, str(failed) if failed else self._progress.get(model, "not loaded: the next question loads it")

    @property
    def loaded(self) -> tuple[str, ...]:
        return tuple(name for name, loaded in list(self._models.items()) if loaded.engine)

    def unload_idle(self, seconds: float) -> None:
        """Gives back the memory of each model that nobody has used for so long."""
        for name, loaded in list(self._models.items()):
            with self._lock:
                idle = loaded.users == 0 and time.monotonic() - loaded.used >= seconds
            if idle and loaded.engine and loaded.lock.acquire(blocking=False):
                try:
                    engine = None
                    with self._lock:
                        if loaded.users == 0:
                            engine, loaded.engine = loaded.engine, None
                            self._progress.pop(name, None)
                    if engine:
                        engine.close()
                finally:
                    loaded.lock.release()

    def close(self) -> None:
        """Unloads all. Runs must have ended."""
        self._stop.set()
        self._sweeper.join()
        self.unload_idle(0)

    def _load(self, model: str) -> Engine:
        self.unload_idle(0)  # two models rarely fit, and the one that is asked for is the one that matters

        def tell(event: Event) -> None:
            share = f" {event.fraction:.0%}" if event.fraction is not None else ""
            self._progress[model] = f"{event.text}{share}"

        try:
            engine = self._make(model, tell)
        except (RlmLocalError, SandboxError) as error:
            self._failed[model] = error
            raise
        self._failed.pop(model, None)
        return engine

    def _sweep(self) -> None:
        while not self._stop.wait(min(30.0, self._idle_seconds / 2)):
            self.unload_idle(self._idle_seconds)
