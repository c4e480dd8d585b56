"""Talk: this process's side of one call of the model, or of one cursor."""

import queue
from collections.abc import Callable, Mapping
from typing import Any

from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import EngineError
from rlm_local.models.local.messages import Called, Leave, Raised, Returned, Say, Step, Stop
from rlm_local.models.local.pipe import Pipe

Callbacks = Mapping[str, Callable[..., Any]]

_PATIENCE = 2.0
"""Seconds that the worker has to say itself that a call was cancelled, and what it had cost."""


class Talk:
    """Belongs to the thread that began it, in which callbacks are called; `stop`, `hear` and `end` come from others."""

    def __init__(self, number: int, pipe: Pipe, cancel: Cancel | None, callbacks: Callbacks) -> None:
        self.number = number
        self._pipe = pipe
        self._cancel = cancel
        self._callbacks = callbacks
        self._heard: queue.SimpleQueue[Called | Returned | Raised] = queue.SimpleQueue()
        self._over: Callable[[], Exception] | None = None
        self._asking = True

    def ask(self, name: str, callbacks: Callbacks, **arguments: Any) -> Any:
        """What a step of the cursor that this talk is about comes to.

        Raises:
            Exception: what the step raised; what a callback raised, or Ctrl-C, after which the talk is at its end.
        """
        if self._over is not None:
            raise self._over()
        if self._asking:
            raise _left()
        if self._cancel is not None:
            self._cancel.check()
        self._asking = True
        self._callbacks = callbacks
        self._pipe.send(Say(self.number, Step(name, arguments, tuple(callbacks))))
        return self.result()

    def result(self) -> Any:
        """What the step that was asked for comes to; raises as `ask` does."""
        while True:
            match self._next():
                case Called(_, name, arguments, answered):
                    said = self._callbacks[name](*arguments)
                    if answered:
                        self._pipe.send(Say(self.number, said))
                case Returned(_, value, _):
                    self._asking = False
                    return value
                case Raised(_, error):
                    self._asking = False
                    raise error

    def hear(self, message: Called | Returned | Raised) -> None:
        """Something the worker said."""
        self._heard.put(message)

    def end(self, error: Callable[[], Exception]) -> None:
        """There will be nothing more; `error` makes what is raised of it."""
        self._over = error
        self._heard.put(Raised(self.number, error()))

    def stop(self) -> None:
        """Have what is going on cancelled."""
        self._pipe.send(Stop(self.number))

    def leave(self) -> None:
        """Nobody waits for the talk any more."""
        self._over = _left
        self._pipe.send(Leave(self.number))

    def _next(self) -> Called | Returned | Raised:
        while True:
            try:
                return self._heard.get(timeout=None if self._cancel is None else _PATIENCE)
            except queue.Empty:
                if self._cancel is not None:
                    self._cancel.check()


def _left() -> EngineError:
    return EngineError("the reply was left", remedy="Begin it anew")
