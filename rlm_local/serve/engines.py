"""The engines of a server, one for each model: loaded when first asked for, unloaded when nobody asks any more."""

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Event, Listener
from rlm_local.models import Cancel

MakeEngine = Callable[[str, Listener], Engine]
"""An engine for a model by its name or path; the listener is told how far along that is."""


_PATIENCE = 0.1
"""Seconds after which who waits for a model looks whether it still has to."""


@dataclass
class _Model:
    """`engine` is there while the model is loaded or being loaded; the lock is held to load and to unload it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    engine: Future[Engine] | None = None
    users: int = 0
    used: float = 0.0


class Engines:
    """Safe to use from many threads. Models are loaded in threads of their own, so that who waits may give up."""

    def __init__(self, make: MakeEngine, *, idle_seconds: float) -> None:
        self._make = make
        self._idle_seconds = idle_seconds
        self._models: dict[str, _Model] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._known: dict[str, str] = {}
        self._sweeper = threading.Thread(target=self._sweep, name="rlm-local-idle", daemon=True)
        self._sweeper.start()

    @contextmanager
    def lease(self, name: str, cancel: Cancel) -> Generator[Engine]:
        """The model's engine, loaded, for as long as the context lasts.

        Raises:
            ModelError, SandboxError, HomeError: it cannot be loaded.
            Cancelled: by `cancel`, before it was loaded.
        """
        with self._lock:
            model = self._models.setdefault(name, _Model())
            model.users += 1
            if model.engine is None:
                model.engine = Future()
                loading = (name, model, model.engine)
                threading.Thread(target=self._load, args=loading, name="rlm-local-load", daemon=True).start()
            engine = model.engine
        try:
            while not wait([engine], timeout=_PATIENCE).done:
                cancel.check()
            yield engine.result()
        finally:
            with self._lock:
                model.users -= 1
                model.used = time.monotonic()

    def state(self, name: str) -> tuple[bool, str]:
        """Whether a model is loaded, and what is known about why not."""
        if name in self.loaded:
            return True, ""
        return False, self._known.get(name, "not loaded: the next question loads it")

    @property
    def loaded(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(name for name, model in self._models.items() if model.engine and model.engine.done())

    def unload_idle(self, seconds: float) -> None:
        """Gives back the memory of each model that nobody has used for so long."""
        for name, model in list(self._models.items()):
            with self._lock:
                idle = model.users == 0 and time.monotonic() - model.used >= seconds
                engine = model.engine if idle and model.engine and model.engine.done() else None
                if engine:
                    model.engine = None
                    self._known.pop(name, None)
            if engine:
                with model.lock:
                    engine.result().close()

    def close(self) -> None:
        """Unloads all. Runs must have ended; a model that is still being loaded goes with the process."""
        self._stop.set()
        self._sweeper.join()
        self.unload_idle(0)

    def _load(self, name: str, model: _Model, engine: Future[Engine]) -> None:
        self.unload_idle(0)  # two models rarely fit, and the one that is asked for is the one that matters

        def tell(event: Event) -> None:
            share = f" {event.fraction:.0%}" if event.fraction is not None else ""
            self._known[name] = f"{event.text}{share}"

        with model.lock:
            try:
                made = self._make(name, tell)
            except Exception as error:  # noqa: BLE001  raised again where it was waited for
                with self._lock:
                    model.engine = None
                    self._known[name] = str(error)
                engine.set_exception(error)
            else:
                engine.set_result(made)

    def _sweep(self) -> None:
        while not self._stop.wait(min(30.0, self._idle_seconds / 2)):
            self.unload_idle(self._idle_seconds)
