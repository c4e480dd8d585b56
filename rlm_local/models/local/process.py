"""Process: one worker, from its start to its death."""

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import EngineError, LoadError, WorkerDied
from rlm_local.models.local.messages import OPENING, Begin, Raised, Returned, Step
from rlm_local.models.local.pipe import Pipe
from rlm_local.models.local.talk import Callbacks, Talk

_COMMAND = [sys.executable, "-P", "-m", "rlm_local.models.local.worker"]
_CLOSING = 10.0  # seconds that the worker has to end by itself
_LAST_WORDS = 4000  # bytes of what it printed that are looked at when it has died
_LINE = 300  # characters of that which are told

_REMEDIES = {
    "SIGKILL": "So the kernel ends what takes the last memory: free some, or use a smaller model",
    "SIGILL": "It came to an instruction that this processor does not have: `rlm-local doctor` says more",
}
_REMEDY = "Ask again: it is started again. If the same question ends so again, `rlm-local doctor` says more"


@dataclass(frozen=True)
class Death:
    """How a worker ended.

    Attributes:
        error: what is told to the calls that were in it.
        at: on the clock of `time.monotonic()`.
        useful: whether it had finished a decode.
    """

    error: Exception
    at: float
    useful: bool


class Process:
    """A child process that opens the model and holds it. However this process ends, the child ends, too.

    Args:
        opening: arguments of `rlm_local.models.local.worker.open_engine`.
        callbacks: `progress` of it, if wanted; called while `opened` waits.

    Attributes:
        death: how it ended; None while it lives.

    Raises:
        LoadError: no process can be started.
    """

    def __init__(self, opening: Mapping[str, Any], callbacks: Callbacks) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the process is
        try:
            self._process = _start(self._log)
        except OSError as error:
            self._log.close()
            raise LoadError(f"no process can be started for the model: {error.strerror or error}") from error
        self._source = cast("BinaryIO", self._process.stdout)
        self._pipe = Pipe(self._source, cast("BinaryIO", self._process.stdin))
        self._numbers = itertools.count(OPENING)
        self._talks: dict[int, Talk] = {}
        self._lock = threading.Lock()
        self._useful = False
        self._cause: Exception | None = None
        self.death: Death | None = None
        self._opening = self._begin(Step("open", opening, tuple(callbacks)), callbacks, None)
        self._reader = threading.Thread(target=self._read, name="rlm-local-worker", daemon=True)
        self._reader.start()

    def opened(self) -> Mapping[str, Any]:
        """What `open_engine` returns, once it has."""
        return self._opening.result()

    @contextmanager
    def talk(self, step: Step, callbacks: Callbacks, cancel: Cancel | None) -> Generator[Talk]:
        """A talk that begins with a step of the model; it may begin before the model is open.

        Raises:
            WorkerDied: the process has died.
            Cancelled, DeadlineExceeded: by `cancel`.
        """
        if cancel is not None:
            cancel.check()
        talk = self._begin(step, callbacks, cancel)
        forget = cancel.on_cancel(talk.stop) if cancel is not None else None
        try:
            yield talk
        finally:
            if forget is not None:
                forget()
            with self._lock:
                self._talks.pop(talk.number, None)
            talk.leave()

    def close(self) -> None:
        """End the process; calls that are waiting raise EngineError."""
        self._cause = self._cause or EngineError("the engine was closed")
        self._tell(self._cause)
        self._pipe.close()
        try:
            self._process.wait(_CLOSING)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join()

    def _begin(self, step: Step, callbacks: Callbacks, cancel: Cancel | None) -> Talk:
        talk = Talk(next(self._numbers), self._pipe, cancel, callbacks)
        with self._lock:
            if self.death is not None:
                raise copy(self.death.error)
            self._talks[talk.number] = talk
        caller = None if cancel is None else id(cancel)
        self._pipe.send(Begin(talk.number, step, caller, None if cancel is None else cancel.deadline))
        return talk

    def _read(self) -> None:
        for message in self._pipe.receive():
            match message:
                case Returned(_, _, decoded):
                    self._useful |= decoded
                case Raised(number, error) if number == OPENING:
                    self._cause = error
                case _:
                    pass
            talk = self._talks.get(message.number)
            if talk is not None:
                talk.hear(message)
        self._process.kill()  # where it lives, it makes no sense any more
        error = self._cause or _obituary(self._process.wait(), self._log)
        with self._lock:
            self.death = Death(error, time.monotonic(), self._useful)
        self._tell(error)
        self._pipe.close()
        self._source.close()
        self._log.close()

    def _tell(self, error: Exception) -> None:
        """End the talks that are going on."""
        with self._lock:
            talks = list(self._talks.values())
        for talk in talks:
            talk.end(lambda: copy(error))


def _start(log: Any) -> "subprocess.Popen[bytes]":
    """A worker that finds the packages that this process finds."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(Path(place).absolute()) for place in sys.path),
        "GGML_NO_BACKTRACE": "1",  # where it gives up, ggml would start a debugger
    }
    return subprocess.Popen(  # noqa: S603
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        cwd="/",
        process_group=0 if os.name == "posix" else None,  # the terminal's Ctrl-C is for this process alone
    )


def _obituary(status: int, log: BinaryIO) -> WorkerDied:
    name = signal.Signals(-status).name if status < 0 else ""
    how = f"died of {name}" if name else f"ended with status {status}"
    reason = _last_line(log) if name in ("", "SIGABRT") else ""  # else nobody had the time to say something
    return WorkerDied(
        f"llama.cpp's process {how}, and what was asked of it is lost{reason and ': '}{reason}",
        remedy=_REMEDIES.get(name, _REMEDY),
    )


def _last_line(log: BinaryIO) -> str:
    log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_WORDS))
    lines = log.read().decode(errors="replace").split("\n")
    return next((line.strip()[:_LINE] for line in reversed(lines) if line.strip()), "")
