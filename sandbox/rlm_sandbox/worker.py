"""The child process in which one guest lives: `python -m rlm_sandbox.worker SOCKET PARENT`, started by `Session`.

Its main thread confines the process, then raises the epoch while a cell runs and looks whether its parent still lives.
The guest runs in a second thread, whose stack is large. When the guest is lost, the process ends. Without arguments
it prints which of its protections the kernel grants.
"""

import json
import mmap
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import wasmtime

from rlm_sandbox import native, system_calls
from rlm_sandbox.confine import confine, confine_files, confine_memory
from rlm_sandbox.deadline import TICK, TimeUp
from rlm_sandbox.errors import TextTooLarge
from rlm_sandbox.image import Image
from rlm_sandbox.imports import ImportRefused
from rlm_sandbox.imports.process import GuestExit
from rlm_sandbox.interpreter import Anchors, Failure, Interpreter
from rlm_sandbox.limits import Limits, Stopped
from rlm_sandbox.machine import Machine, Program, guest_files
from rlm_sandbox.output import Output, cut
from rlm_sandbox.protocol import Channel, Frame, Gone, Kind, refusal
from rlm_sandbox.syserr import SysError
from rlm_sandbox.text import Layout
from rlm_sandbox.vfs import FileSystem

# What ends a guest: a trap, the deadline, an import that is not there, its own exit, a bad pointer given to an import
# that has no error to return.
_LOST = (wasmtime.Trap, wasmtime.WasmtimeError, TimeUp, ImportRefused, GuestExit, SysError)
_IDLE = 1.0  # seconds between looks at the parent while no cell runs
_LONGEST_LOG = 1 << 16


class Guest:
    """A restored interpreter, and what is asked of it. `ticking` is set while guest code runs."""

    def __init__(
        self,
        channel: Channel,
        program: Program,
        files: FileSystem,
        anchors: Anchors,
        limits: Limits,
        ticking: threading.Event,
    ) -> None:
        self.channel, self.limits, self.ticking = channel, limits, ticking
        self.output = Output(limits.output_bytes)
        self.calls = 0
        self.machine = Machine(
            program,
            files,
            self.output.write,
            self._answer,
            memory_bytes=limits.memory_bytes,
            grace=limits.grace_seconds,
        )
        self.interpreter = Interpreter(self.machine, anchors)
        self.interpreter.refresh()

    def serve(self) -> None:
        """Answer frames until the session closes (Gone) or the guest is lost."""
        self.channel.send(Kind.READY)
        alive = True
        while alive:
            frame = self.channel.receive_with_descriptor()
            if frame.kind == Kind.TEXT:
                reply, kind = self._place(frame), Kind.PLACED
            elif frame.kind == Kind.CODE:
                reply, kind = self._run(frame.payload.decode("utf-8", "surrogatepass")), Kind.RESULT
            else:
                raise Gone
            alive = reply["alive"]
            self.channel.send(kind, json.dumps(reply).encode())

    def _answer(self, argument: int) -> int:
        return self.interpreter.answer(argument, self._forward)

    @contextmanager
    def _guest_time(self) -> Generator[None]:
        self.ticking.set()
        try:
            with self.machine.deadline.running(self.limits.seconds):
                yield
        finally:
            self.ticking.clear()

    def _place(self, frame: Frame) -> dict[str, Any]:
        """Bind a text. Guest code may run here: the finaliser of what the name stood for."""
        header: dict[str, Any] = json.loads(frame.payload)
        layout, length = Layout[header["layout"]], header["length"]
        if frame.descriptor is None:
            raise Gone
        try:
            pieces = [mmap.mmap(frame.descriptor, length * layout.width, prot=mmap.PROT_READ)] if length else []
            with self._guest_time():
                self.interpreter.set_text(header["name"], layout, length, [memoryview(piece) for piece in pieces])
        except TextTooLarge as error:
            return {"too_large": str(error), "alive": True}
        except _LOST as error:
            return {"lost": self._describe(error), "alive": False}
        finally:
            os.close(frame.descriptor)
        return {"alive": True}

    def _run(self, source: str) -> dict[str, Any]:
        """One cell, as the fields of a `CellResult`, and whether the guest lives on."""
        self.calls = 0
        self.machine.open_standard_streams()
        refusals = self.machine.heap.refusals
        alive, error, stopped = True, None, None
        with self._guest_time():
            try:
                failure = self.interpreter.run(source)
            except _LOST as lost:
                alive, stopped = False, "time" if self.machine.deadline.expired else "trap"
                error = f"{self._describe(lost)}; the variables of this session are lost\n"
            else:
                if failure:
                    error = failure.traceback
                    stopped = self._stopped(failure, self.machine.heap.refusals > refusals)
        seconds = self.machine.deadline.used
        error = cut(error, self.limits.output_bytes) + self._explain(stopped) if error else None
        fields = {"output": self.output.take(), "error": error, "stopped": stopped, "seconds": seconds}
        return {"result": fields, "alive": alive}

    def _stopped(self, failure: Failure, memory_refused: bool) -> Stopped | None:
        """The limit that a failure shows. The guest can raise these exceptions itself: the host's side must agree."""
        agreed: dict[str | None, tuple[Stopped | None, bool]] = {
            "interrupt": ("time", self.machine.deadline.interrupted),
            "memory": ("memory", memory_refused),
            "host_calls": ("host_calls", self.calls > self.limits.host_calls),
        }
        stopped, agrees = agreed.get(failure.stop, (None, False))
        return stopped if agrees else None

    def _explain(self, stopped: Stopped | None) -> str:
        limits = self.limits
        explanations: dict[Stopped | None, str] = {
            "time": f"Stopped: a cell may compute for {limits.seconds:g} seconds.\n",
            "memory": f"Stopped: the sandbox has {limits.memory_bytes >> 20:,} MiB of memory.\n",
            "host_calls": f"Stopped: a cell may make {limits.host_calls:,} host calls.\n",
        }
        return explanations.get(stopped, "")

    def _describe(self, error: BaseException) -> str:
        if self.machine.deadline.expired:
            return "the cell did not stop when it was interrupted"
        if isinstance(error, GuestExit):
            return f"the cell ended Python: {error}"
        if isinstance(error, ImportRefused):
            return f"the cell used what the sandbox does not have: {error}"
        return f"the cell crashed Python: {str(error).strip().splitlines()[-1]}"

    def _forward(self, request: memoryview) -> bytes:
        """A host call to the session and back, or a refusal where the limits do not allow it."""
        limits = self.limits
        self.calls += 1
        if self.calls > limits.host_calls:
            return refusal("limit", f"a cell may make {limits.host_calls:,} host calls")
        if len(request) > limits.host_call_bytes:
            return refusal("refused", f"a host call may carry {limits.host_call_bytes:,} bytes, not {len(request):,}")
        self.channel.send(Kind.CALL, bytes(request))
        reply = self.channel.receive_with_descriptor()
        if reply.kind != Kind.REPLY:
            raise Gone
        return reply.payload


def _open(payload: bytes) -> tuple[Image, Limits]:
    order: dict[str, Any] = json.loads(payload)
    image = Image(Path(order["folder"]), Anchors(**order["anchors"]), order["stamps"])
    return image, Limits(**order["limits"])


def _watch(engine: wasmtime.Engine, ticking: threading.Event, parent: int) -> None:
    """Until the process ends. The parent is asked for by its number: PR_SET_PDEATHSIG would mean the thread that
    started the session, and a hang-up may never come while a fork of the parent holds the socket."""
    while os.getppid() == parent:
        if ticking.wait(_IDLE):
            time.sleep(TICK)
            engine.increment_epoch()
    os._exit(1)


def main(descriptor: int, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    confine()
    channel = Channel(socket.socket(fileno=descriptor))
    ticking, confined = threading.Event(), threading.Event()

    def live() -> None:
        confined.wait()
        try:
            Guest(channel, program, files, image.anchors, limits, ticking).serve()
        except Gone:
            pass
        except BaseException:  # noqa: BLE001 - the session shows it; nothing else can
            channel.send(Kind.BROKEN, traceback.format_exc()[-_LONGEST_LOG:].encode("utf-8", "replace"))
        os._exit(0)

    try:
        image, limits = _open(channel.receive_with_descriptor().payload)
        program = image.program()
        files = guest_files(image.library(), image.modules(), most_bytes=limits.file_bytes)
        confine_memory(limits.memory_bytes)
        confine_files()
        native.start_on_large_stack(live)
        system_calls.forbid()
        confined.set()
        _watch(program.engine, ticking, parent)
    except Gone:
        return
    except Exception:  # noqa: BLE001
        channel.send(Kind.BROKEN, traceback.format_exc().encode("utf-8", "replace"))


def show_protections() -> None:
    """What the kernel grants, as JSON: name -> whether."""
    granted = confine() | {"memory_limits": confine_memory(1 << 30), "no_files": confine_files()}
    sys.stdout.write(json.dumps(granted | {"no_system_calls": system_calls.forbid()}))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        show_protections()
    else:
        main(int(sys.argv[1]), int(sys.argv[2]))
