"""The process that llama.cpp runs in: `python -m rlm_local.models.local.worker`, started by `Process`.

It holds one LlamaEngine and a thread for each talk. Its standard input and output are the pipe to the process that
started it; when that is gone, so is this one.
"""

import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from rlm_local.errors import RlmLocalError
from rlm_local.home import Home
from rlm_local.models.cancel import Cancel
from rlm_local.models.engine import LlamaEngine
from rlm_local.models.errors import Cancelled, EngineError, ModelError
from rlm_local.models.local.messages import OPENING, Begin, Called, Leave, Raised, Returned, Say, Step, Stop
from rlm_local.models.local.pipe import Pipe
from rlm_local.models.native import prepare
from rlm_local.vault.process import keep_in_memory

_MOST_TALKS = 1000  # at a time; more wait
_PATIENCE = 0.1  # seconds after which a talk that waits for the model looks whether it still has to
_GLANCE = 1.0  # seconds between looks at the process that started this one
_GRACE = 5.0  # seconds for calls to end and answers to be kept when it is gone
_ANSWERED = ("allow",)
"""The functions of callers whose result is waited for."""


class _Cancel(Cancel):
    """Equal to those of the same caller: callers take turns."""

    def __init__(self, caller: object, deadline: float | None) -> None:
        super().__init__(deadline=deadline)
        self._caller = caller

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Cancel) and other._caller == self._caller

    def __hash__(self) -> int:
        return hash(self._caller)


class _Talk:
    """This side of a talk. What is said in it waits in `said`, a Leave where nobody waits for it any more."""

    def __init__(self, begin: Begin, pipe: Pipe) -> None:
        self.number = begin.number
        self.step = begin.step
        caller = ("talk", begin.number) if begin.caller is None else begin.caller
        self.cancel = _Cancel(caller, begin.deadline)
        self.said: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pipe = pipe

    def hear(self, message: Say | Stop | Leave) -> None:
        """Something the other side said."""
        match message:
            case Say(_, what):
                self.said.put(what)
            case Stop():
                self.cancel.cancel()
            case Leave():
                self.cancel.cancel()
                self.said.put(message)

    def arguments(self, step: Step) -> dict[str, Any]:
        """A step's arguments with what is given here."""
        own = {name: self.cancel if name == "cancel" else self._calling(name) for name in step.given}
        return {**step.arguments, **own}

    def _calling(self, name: str) -> Callable[..., Any]:
        """What stands for a function of the caller's."""
        answered = name in _ANSWERED

        def call(*arguments: Any) -> Any:
            self._pipe.send(Called(self.number, name, arguments, answered))
            if not answered:
                return None
            said = self.said.get()
            if isinstance(said, Leave):
                raise Cancelled("nobody waits for this any more")
            return said

        return call


class Worker:
    """One model, and the talks about it."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._messages = pipe.receive()
        self._talks: dict[int, _Talk] = {}
        self._threads = ThreadPoolExecutor(_MOST_TALKS, thread_name_prefix="talk")
        self._model: Future[LlamaEngine] = Future()

    def live(self) -> None:
        """Open the model, and hold the talks until the other side is gone."""
        parent = os.getppid()
        begin = next(self._messages, None)
        if begin is None:
            return
        reader = threading.Thread(target=self._read, args=(self._messages,), name="reader", daemon=True)
        reader.start()
        opening = _Talk(begin, self._pipe)
        try:
            model = open_engine(**opening.arguments(opening.step))
        except Exception as error:  # noqa: BLE001 - it is the caller's
            self._fail(OPENING, error)
            return
        told = {"n_ctx": model.n_ctx, "thinks": model.thinks, "template_sha256": model.template_sha256}
        self._pipe.send(Returned(OPENING, told, False))
        self._model.set_result(model)
        while reader.is_alive() and os.getppid() == parent:  # a fork of it may hold the pipe when it is gone
            reader.join(_GLANCE)
        end = threading.Timer(_GRACE, os._exit, (1,))
        end.start()
        for talk in list(self._talks.values()):
            talk.hear(Leave(talk.number))
        self._threads.shutdown()
        model.close()

    def _read(self, messages: Iterator[Any]) -> None:
        for message in messages:
            match message:
                case Begin(number):
                    talk = self._talks[number] = _Talk(message, self._pipe)
                    self._threads.submit(self._hold, talk)
                case _:  # to a talk that is over nobody says anything
                    talk = self._talks.get(message.number)
                    if talk is not None:
                        talk.hear(message)
        if not self._model.done():
            os._exit(0)

    def _hold(self, talk: _Talk) -> None:
        """A talk, in a thread of its own."""
        try:
            model = self._wait(talk.cancel)
            if talk.step.name == "cursor":
                with model.cursor(**talk.arguments(talk.step)) as cursor:
                    self._return(talk.number, None)
                    while not isinstance(step := talk.said.get(), Leave):
                        self._take(talk, cursor, step)
            else:
                self._take(talk, model, talk.step)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            self._fail(talk.number, error)
        finally:
            del self._talks[talk.number]

    def _take(self, talk: _Talk, target: Any, step: Step) -> None:
        """One step of a talk."""
        try:
            found = getattr(target, step.name)
            self._return(talk.number, found(**talk.arguments(step)) if callable(found) else found)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            self._fail(talk.number, error)

    def _wait(self, cancel: Cancel) -> LlamaEngine:
        """The model, once it is open."""
        while True:
            try:
                return self._model.result(_PATIENCE)
            except TimeoutError:
                cancel.check()

    def _return(self, number: int, value: Any) -> None:
        self._pipe.send(Returned(number, value, self._model.result().meter.decodes > 0))

    def _fail(self, number: int, error: Exception) -> None:
        if not isinstance(error, RlmLocalError):
            error.add_note("".join(traceback.format_exception(error)))  # it has no other way to the other side
        try:
            self._pipe.send(Raised(number, error))
        except Exception:  # noqa: BLE001 - whatever it is that cannot be pickled
            self._pipe.send(Raised(number, EngineError(repr(error))))


def open_engine(
    *,
    path: Path,
    name: str,
    home: Home,
    threads: int | None,
    context: int | None,
    adapters: Mapping[str, Path],
    progress: Callable[[str, float | None], None] = lambda _what, _share: None,
) -> LlamaEngine:
    """A LlamaEngine with these adapters loaded, but for those that cannot be: the call that names one says so."""
    if home.key is not None:
        keep_in_memory()
    prepare(home, progress)
    model = LlamaEngine(
        path,
        name=name,
        n_ctx=context,
        threads=threads,
        kv_directory=home.kv,
        leaf_cache=home.leaves,
        key=home.key,
        progress=progress,
    )
    for adapter, file in adapters.items():
        with suppress(ModelError, OSError):
            model.load_adapter(adapter, file)
    return model


def main() -> None:
    """Serve the process that started this one. Who wants to end this one ends that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a service's manager sends it to all of its processes
    if os.name == "posix":
        os.nice(5)  # a server has to answer others while this process computes
    pipe = Pipe(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # what a library prints is no message
    Worker(pipe).live()
    pipe.close()
    os._exit(0)  # without the interpreter's own end, in which native threads may crash


if __name__ == "__main__":
    main()
